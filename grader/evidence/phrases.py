"""Parts of sentences that travel as plain text, known again as messages: what a probe answers, what evidence names.

A child may say what it likes; only what reads exactly like one of these becomes a message of ours, and its values are
cut as any other. Everything else stays the text that it is.
"""

from __future__ import annotations

import re
from functools import cache
from string import Formatter

from grader.records import Message, message

LONGEST = 400  # characters of a text that is looked at; values in it are at most 300

# values that may hold a space
SPACED = (
    "deviation", "example", "extra", "file", "keys", "mean", "missing", "name", "names", "one", "other", "said",
    "shape", "wanted",
)  # fmt: skip

PHRASES = (
    # what was being done, and where
    "importing {file}",
    "building the networks of {file}",
    "running {name}",
    "the state dict of {name}",
    "loading the weights into {name}",
    "learning rate {rate}",
    "{file}, line {line}",
    "outside the submission's files",
    # what was returned, and what should have been
    "None (is a return missing?)",
    "a list of one number an epoch",
    "two numbers: loss, accuracy",
    "a number",
    "a torch.nn.Module",
    "the same network each time",
    "a tensor of shape {shape}",
    "a {kind} of shape {shape}",
    "a {kind} of {count}",
    "a {kind}",
    # what is in a checkpoint
    "it has {count} records",
    "a record occurs twice",
    "a checksum in it does not match: it was altered while it was written or copied",
    "its records are compressed or encrypted (it was repacked by a zip program)",
    "its archive is damaged ({kind})",
    "its records claim more than the {size} bytes that the file has",
    "its index is larger than {size} bytes",
    "its index is damaged ({kind})",
    "its content is damaged ({kind})",
    "it holds something beside weights and plain values",
    "it was saved with pickle_protocol={number}; leave that argument out",
    "it was pickled in a way that torch.save does not use by itself ({operation})",
    "it asks for more than {count} classes",
    "it is a module without parameters",
    "it is a list of {count} tensors",
    "it is an empty dict",
    "it is a dict with the keys {keys}",
    "it is an object of {name}",
    "it is more than {count} modules, or more than {depth} inside one another",
    "it is a {kind}",
    "not a plain dense tensor",
    "of shape {shape}, not {wanted}",
    "of type {kind}, not of real numbers",
    "of type {kind}",
    "missing",
    "too many layers",
    "not a plain attribute",
    "state dict",
    "wrapped state dict",
    "whole module",
    "state dict under {name}",
    "wrapped state dict under {name}",
    "{name} left out",
    "{one} read as {other}",
    "nn.Sequential of {count} layers",
    # why a class of the submission does not fit
    "it has no weights",
    "it has other weights: {n} are missing in the file ({missing})",
    "it has other weights: {n} are there instead ({extra})",
    "it has other weights: {n} have another shape ({other})",
    "it has other weights: {n} are missing in the file ({missing}), {m} are there instead ({extra})",
    "it has other weights: {n} are missing in the file ({missing}), {m} have another shape ({other})",
    "it has other weights: {n} are there instead ({extra}), {m} have another shape ({other})",
    "it has other weights: {n} are missing in the file ({missing}), {m} are there instead ({extra}), {k} have another"
    " shape ({other})",
    # features.npz
    "its array {name} has shape {shape} for {count} paths",
    "it unpacks to more than 400 MB",
    "it holds no array called {name}",
    "it is no .npz of plain arrays ({kind})",
    # ways of normalising
    "the template's mean and deviation",
    "mean and deviation 0.5",
    "no normalisation, pixels from 0 to 1",
    "no scaling, pixels from 0 to 255",
    "the deviation (0.2023, 0.1994, 0.2010) of older scripts",
    "ImageNet's mean and deviation",
    "the template's, with blue and red exchanged (cv2)",
    # ways of comparing
    "resized without antialiasing, as cv2 and older torchvision do",
    "resized with antialiasing",
    "bicubic interpolation",
    "the input of the last linear layer as features",
    # how it was measured
    "bfloat16, then float32 where it could matter",
    "resize {side}, crop {crop}, {how}",
    "resize {side}, {how}",
    "{file}, line {line}: mean {mean}, std {deviation}",
    "{file} (a Word file: hand in a PDF)",
    "{file} (hand in a PDF: the grader reads no Word file)",
    # what is wrong with a rubric
    "it names no check at all",
    "'{name}' names no check; did you mean '{near}'?",
    "'{name}' names no check; there are {names}",
    "'{name}' should be a table with points and limits",
    "'{name}' should be a table with deadline and points_per_day or percent_per_day",
    "'{name}': there is a check of this name; leave manual out, or choose another name",
    "'{name}': a name is made of letters without accents, digits, _ and -, at most 60",
    "'{name}': {place}: there is no such limit; did you mean '{near}'?",
    "'{name}': {place}: there is no such limit; there are {names}",
    "'{name}': {place}: is missing",
    "'{name}': {said}",
    "points: at least 0",
    "manual: should be true",
    "title: one line of at most {count} characters, which the student reads",
    'deadline: "{name}", or a date and time with its zone, as in {example}',
    "points_per_day, percent_per_day: exactly one of them",
    "{name}: between 0 and 10000",
    "knots: at least one [figure, credit] is needed",
    "knots: figures must rise from one knot to the next",
    "knots: credits lie between 0 and 1",
    "knots: accuracies are shares from 0 to 1, and {number} is none (0.7 stands for 70%)",
    "{name}: a weight is at least 0",
    "{names}: one of these weights must be more than 0",
    "fewest: at least 2; fall: at least 1; counting: 0 to 1",
    "images and classes: at least 1",
    "models: at least 1; 0 <= from_report <= from_features <= 1 is needed",
    "with_mistake: a share from 0 to 1 is needed",
    "megabytes: more than 0",
    "required: a name is empty",
    "note and fault: 0 <= note <= fault is needed",
    # why an answer was thrown away
    "an answer of {size} bytes (at most {most})",
    "the answer has no value",
    "the answer goes on after its end",
    "the answer is not JSON of finite numbers",
    "the answer ended after {count} of {size} bytes",
    "the answer names no known refusal",
    "the answer names no known outcome",
    "the answer's refusal has other values than agreed",
)


def phrase(text: str) -> Message | str:
    """The text as a message, where it is one of ours."""
    if len(text) <= LONGEST:
        for template in sorted(PHRASES, key=len, reverse=True):  # the one that says most
            if found := _pattern(template).fullmatch(text):
                values = found.groupdict()
                return message(template, **{name: phrase(v) if name == "said" else v for name, v in values.items()})
    return text


@cache
def _pattern(template: str) -> re.Pattern[str]:
    pattern = ""
    for literal, name, _, _ in Formatter().parse(template):
        pattern += re.escape(literal)
        if name is not None:
            pattern += f"(?P<{name}>{'.+?' if name in SPACED else '[^ ]+?'})"
    return re.compile(pattern)
