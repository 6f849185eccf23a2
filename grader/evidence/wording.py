"""Parts of sentences that a probe reports: a code and the values that fill it, never text.

A probe names the code; the words stand here. What is stored is the code, so that the same evidence can be read in
any language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Annotated, Any

from pydantic import Field

from grader.evidence.fields import Name
from grader.records import N_, Message, Scalar, message, strict

TAIL_CHARACTERS = 4_000  # of what a process printed
VALUE_CHARACTERS = 300  # of a value in a sentence
DEEPEST = 3  # nesting of phrases

PHRASES: dict[str, str] = {
    # what was being done, and where
    "importing": N_("importing {file}"),
    "state_dict_of": N_("the state dict of {name}"),
    "loading_into": N_("loading the weights into {name}"),
    "place": N_("{file}, line {line}"),
    "place_said": N_("{file}, line {line}: {said}"),
    "outside": N_("outside the submission's files"),
    # what stood in for something while a script was imported
    "stand_in_data": N_("{file} loads {what} while it is imported; a small stand-in was used."),
    "stand_in_weights": N_(
        "{file} asks for pretrained weights while it is imported ({what}); drawn weights stood in for them."
    ),
    "stand_in_download": N_("{file} downloads {what} while it is imported; nothing was downloaded."),
    "stand_in_package": N_(
        "{file} imports {what}, which only plots or logs and is not installed on the grader's machine; a stand-in that"
        " does nothing was used."
    ),
    "only_definitions": N_(
        "{file} fails when it is imported as a whole, or would train, plot or wait: only its imports, constants,"
        " classes and functions were used."
    ),
    # what was returned, and what should have been
    "none": N_("None (is a return statement missing?)"),
    "number_per_epoch": N_("a list with one number per epoch"),
    "loss_and_accuracy": N_("two numbers: loss, accuracy"),
    "number": N_("a number"),
    "module": N_("a torch.nn.Module"),
    "same_network": N_("the same network each time"),
    "tensor_of_shape": N_("a tensor of shape {shape}"),
    "kind_of_shape": N_("a {kind} of shape {shape}"),
    "kind_of_count": N_("a {kind} of length {count}"),
    "kind": N_("a {kind}"),
    # what is in a checkpoint
    "records_many": N_("it has {count:,} records"),
    "record_twice": N_("a record appears twice"),
    "checksum": N_("a checksum does not match: the file was altered while it was written or copied"),
    "repacked": N_("its records are compressed or encrypted (it was repacked by a zip program)"),
    "archive_damaged": N_("its archive is damaged ({kind})"),
    "records_beyond_file": N_("its records claim more bytes than the file has ({size:,})"),
    "index_large": N_("its index is larger than {size:,} bytes"),
    "index_damaged": N_("its index is damaged ({kind})"),
    "content_damaged": N_("its content is damaged ({kind})"),
    "legacy_start": N_("it begins like a checkpoint from before PyTorch 1.6 and then goes on differently"),
    "storage_missing": N_(
        "the values of {count:,} of its weights are not in it, and reading them would give uninitialised memory"
    ),
    "storage_unknown": N_("it contains values that belong to none of its weights"),
    "storage_size": N_("a weight has {count:,} values where {wanted:,} are announced"),
    "storage_differs": N_("it describes the same values in two ways"),
    "tensors_overlap": N_("two of its weights share bytes"),
    "tensor_size": N_("the size of {name} does not match its bytes"),
    "not_only_weights": N_("it contains something other than weights and plain values"),
    "pickle_protocol": N_("it was saved with pickle_protocol={number}; remove that argument"),
    "pickle_operation": N_("it was pickled in a way that torch.save does not use by default ({operation})"),
    "classes_many": N_("it refers to more than {count:,} classes"),
    "no_parameters": N_("it is a module without parameters"),
    "list_of_tensors": N_("it is a list of {count:,} tensors"),
    "empty_dict": N_("it is an empty dict"),
    "dict_with_keys": N_("it is a dict with the keys {keys}"),
    "object_of": N_("it is an object of class {name}"),
    "modules_many": N_("it has more than {count:,} modules, or nests them more than {depth} deep"),
    "is_kind": N_("it is a {kind}"),
    "not_dense": N_("not a plain dense tensor"),
    "of_shape": N_("of shape {shape}, not {wanted}"),
    "not_real": N_("of type {kind}, not of real numbers"),
    "of_type": N_("of type {kind}"),
    "missing": N_("missing"),
    "too_many_layers": N_("too many layers"),
    "left_out": N_("{name} removed"),
    "variant_measured": N_("{name}, the best of {tried} variants on {count:,} training images"),
    "read_as": N_("{one} read as {other}"),
    # why a class of the submission does not fit
    "no_weights": N_("it has no weights"),
    "other_weights": N_("it has different weights: {what}"),
    "keys_missing": N_("{count} are missing from the file ({names})"),
    "keys_instead": N_("{count} are unexpected ({names})"),
    "keys_shape": N_("{count} have a different shape ({names})"),
    "and": N_("{first}, {second}"),
    # features.npz
    "rows_and_paths": N_("its array {name} has shape {shape} for {count} paths"),
    "unpacks_large": N_("it unpacks to more than {size} MB"),
    "no_array": N_("it has no array called {name}"),
    "no_npz": N_("it is not an .npz file of plain arrays ({kind})"),
    # what looks like a ranking
    "place_of_line": N_("{file}, line {number},"),
    "place_of_page": N_("{file}, page {number},"),
    "place_of_cell": N_("{file}, cell {number},"),
    "ranking_in_code": N_("it stands in program code"),
    "ranking_in_tree": N_("it stands in a directory tree"),
    "ranking_in_table": N_("the headings of its table name other things"),
    "ranking_no_query": N_("no line says which query it belongs to"),
    "ranking_no_pictures": N_("what it lists are not names of images"),
    "ranking_few": N_("it lists a single match"),
    "ranking_many": N_("the list is much longer than five matches"),
    "ranking_mentioned": N_("the image above it is not said to be a query"),
    "ranking_unscored": N_("it has neither scores nor ranks from 1 on"),
    "ranking_example": N_("the text before it speaks of an example, or of what is expected"),
    "ranking_least": N_("the text before it says that these images are the least similar"),
    "ranking_baseline": N_("the text before it speaks of a baseline, or of a network without training"),
    "ranking_faulty": N_("the text before it says that it is wrong, or older than a correction"),
    "ranking_duplicates": N_("the text before it speaks of duplicates"),
    "ranking_unsaid": N_("the text before it does not say what it is"),
    "ranking_no_scores": N_("the numbers beside its images are counts, sizes or times"),
    # documents
    "normalised_by": N_("{file}, line {line}: mean {mean}, std {deviation}"),
    "word_file": N_("{file} (a Word file: hand in a PDF)"),
    "unread_file": N_("{file} ({kind})"),
    "unread_middle": N_("{file}: of so much text only the beginning and the end were looked through for accuracies"),
    "unread_any": N_("any document ({kind})"),
    # ways of normalising
    "as_graded": N_("as graded"),
    "template_normalisation": N_("the template's mean and standard deviation"),
    "halves": N_("mean and standard deviation 0.5"),
    "unnormalised": N_("no normalisation, pixels from 0 to 1"),
    "unscaled": N_("no scaling, pixels from 0 to 255"),
    "old_deviation": N_("the standard deviation (0.2023, 0.1994, 0.2010) of older scripts"),
    "imagenet_normalisation": N_("ImageNet's mean and standard deviation"),
    "template_blue_first": N_("the template's, with red and blue swapped (cv2)"),
    # how it was measured
    "bfloat16_first": N_("bfloat16, then float32 where it could matter"),
    # why an answer was discarded
    "answer_size": N_("an answer of {size:,} bytes (at most {most:,})"),
    "answer_no_value": N_("the answer has no value"),
    "answer_goes_on": N_("the answer continues after its end"),
    "answer_not_json": N_("the answer is not JSON with finite numbers"),
    "answer_ended": N_("the answer ended after {count:,} of {size:,} bytes"),
    "answer_no_refusal": N_("the answer does not name a known refusal"),
    "answer_no_outcome": N_("the answer does not name a known outcome"),
    "answer_values": N_("the answer's refusal does not have the expected values"),
    "answer_unread": N_("reading the answer failed ({kind})"),
    "answer_field": N_("{field}: {problem}"),
}

Value = Annotated[str, Field(max_length=500)] | int | float


@strict
@dataclass(frozen=True, slots=True)
class Phrase:
    """A code of PHRASES and its values. Raises ValueError if they do not match."""

    code: Name
    values: tuple[tuple[Name, Value | Phrase], ...] = ()

    def __post_init__(self) -> None:
        if self.code not in PHRASES or fields_of(PHRASES[self.code]) != {name for name, _ in self.values}:
            raise ValueError(f"no phrase {self.code!r} of {sorted(name for name, _ in self.values)}")
        said(self)


Wording = Phrase | Name  # a plain text is shown unchanged: somebody else's words


def phrase(code: str, /, **values: str | int | float | Phrase) -> Phrase:
    """Build a Phrase."""
    return Phrase(code, tuple(values.items()))


def said(wording: Phrase | str) -> Message | str:
    """Return the words: a message for a phrase, or the text unchanged."""
    if isinstance(wording, str):
        return wording
    values = {name: said(value) if isinstance(value, Phrase) else value for name, value in wording.values}
    return _shown(message(PHRASES[wording.code], **values))


def english(wording: Phrase | str) -> str:
    """Return the words in English, for storing as plain text."""
    words = said(wording)
    return words.english() if isinstance(words, Message) else words


def heard(item: Any, depth: int = DEEPEST) -> Scalar | Message:
    """Convert a value of a child's answer; mappings become phrases. Raises ValueError for an unknown phrase."""
    if isinstance(item, Mapping):
        code, values = item.get("code"), item.get("values")
        if not depth or code not in PHRASES or not isinstance(values, list):
            raise ValueError("not a phrase")
        pairs = {str(name): heard(value, depth - 1) for name, value in values}
        return _shown(message(PHRASES[code], **pairs))
    return (
        item if isinstance(item, int | float) and not isinstance(item, bool) else shorten(str(item), VALUE_CHARACTERS)
    )


def _shown(words: Message) -> Message:
    """The message, if its values fit their places: `{count:,}` takes a number. Raises ValueError otherwise."""
    words.english()
    return words


def fields_of(template: str) -> set[str]:
    """Return the field names of a template."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def shorten(text: str, characters: int = TAIL_CHARACTERS) -> str:
    """Keep the end of a long text: that is where a traceback says what happened."""
    return text if len(text) <= characters else "[...] " + text[-characters:]
