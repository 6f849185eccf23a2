"""Refusals of what was handed in: each code, with the sentence that says why and how to fix it.

A probe names the code and gives values; the parent, which never trusts a child's words, looks the sentence up here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grader.evidence.outcomes import Refused
from grader.evidence.wording import fields_of, heard
from grader.labs import the_lab
from grader.records import N_, Message, Scalar, message


def save() -> Message:
    """Say how weights are saved."""
    return message(
        "Save the weights with torch.save(model.state_dict(), '{checkpoint}') and hand that file in.",
        checkpoint=the_lab().checkpoint,
    )


def handed_in_again() -> Message:
    """Say what to do with rankings that were made anew, as the end of a sentence."""
    if the_lab().retrieval:
        return message("hand in its {retrieval}", retrieval=the_lab().retrieval)
    return message("write its rankings into {report}", report=the_lab().rankings_in)


def forms() -> Message:
    """Say in which forms rankings are read."""
    if not the_lab().retrieval:
        return message(
            "Write them into {report}: for each network a line such as 'Model: resnet50', for each query 'Query:"
            " queries/cat.png', and below it five lines such as 'Top 1 match (0.8731): library/cat/3.png'; or a table"
            " with the columns Query, Rank, Image and Score.",
            report=the_lab().rankings_in,
        )
    return message(
        "Hand in {retrieval} as {retrieval_script} writes it. Printed rankings are read as well: for each network a"
        " line such as 'Model: resnet50', for each query 'Query: queries/cat.png', and below it five lines such as"
        " 'Top 1 match (0.8731): library/cat/3.png'; or a table with the columns Query, Rank, Image and Score.",
        retrieval_script=the_lab().retrieval_script,
        retrieval=the_lab().retrieval,
    )


def given_fields() -> dict[str, str | Message]:
    """Return the fields that a sentence below may have beside those that the probe gives."""
    lab = the_lab()
    return {
        "save": save(),
        "forms": forms(),
        "networks_script": lab.networks_script,
        "training_script": lab.training_script,
        "checkpoint": lab.checkpoint,
        "retrieval_script": lab.retrieval_script,
        "retrieval": lab.rankings_in,
        "features": lab.features,
    }


REFUSALS: dict[str, str] = {
    # what the file is, by its first bytes
    "empty": N_("{file} is empty (0 bytes): it was interrupted while it was saved or copied. {save}"),
    "html": N_(
        "{file} is a web page, not weights: a download or login page was saved under its name. Open it in a text"
        " editor to see which, fetch the real file, and hand that in."
    ),
    "lfs": N_(
        "{file} is a Git LFS pointer of {size} bytes, not the weights themselves. Run 'git lfs pull' and hand in"
        " the file it fetches."
    ),
    "archive": N_("{file} is a {format} archive, not a PyTorch checkpoint. {save}"),
    "plain_zip": N_("{file} is a zip archive of other files, not a PyTorch checkpoint. {save}"),
    "other_format": N_("{file} is a {format} file, not a PyTorch checkpoint. {save}"),
    "torchscript": N_(
        "{file} is a TorchScript program, and the grader does not run programs that are handed in. {save}"
    ),
    "legacy_tar": N_(
        "{file} was written in the format that PyTorch used before version 0.1.10 (2017). Load it with the version that"
        " wrote it, build the network's state dict there, and save it with a current one: {save}"
    ),
    "program": N_(
        "{file} is a {format} program, and the grader runs only networks that it builds itself. Go back to the model in"
        " PyTorch from which it was exported. {save}"
    ),
    "other_framework": N_(
        "{file} was written by {format}, and the grader reads PyTorch: its weights fit no PyTorch network as they are."
        " Train the network of {training_script}. {save}"
    ),
    "arrays": N_(
        "{file} holds arrays ({format}), not a PyTorch checkpoint. Load them into your network, call"
        " model.load_state_dict, and check its accuracy with {training_script}. {save}"
    ),
    "quantised": N_(
        "{file} contains quantised weights, which fit none of the networks in floating point. Hand in the weights from"
        " before quantisation. {save}"
    ),
    "plain_pickle": N_(
        "{file} is a plain Python pickle, not a PyTorch checkpoint: pickle.dump was used instead of torch.save. {save}"
    ),
    "unknown": N_("{file} is not a PyTorch checkpoint: it begins with {start}. {save}"),
    "truncated": N_(
        "{file} is cut off: it begins like a PyTorch checkpoint, but its end is missing. It was still being written or"
        " copied. Copy it again after training has finished, and check that torch.load opens it."
    ),
    # what is inside
    "records": N_("{file} is not a checkpoint that torch.save wrote: {problem}. {save}"),
    "global": N_("{file} needs {name} to be loaded, which is not part of any weights; nothing was run. {save}"),
    "pickle": N_("{file} cannot be read as weights: {problem}. {save}"),
    "no_tensors": N_("{file} contains no weights: {found}. {save}"),
    "tensor": N_("{file} contains a weight that cannot be used: {name} is {problem}. {save}"),
    "not_finite": N_(
        "{file} contains {name} with {count} values that are NaN or infinite: training diverged. Lower the learning"
        " rate, or hand in an earlier checkpoint."
    ),
    "classes": N_(
        "The network in {file} has {classes} outputs, and this lab has {wanted} classes ({name} is {shape}). Build"
        " the network with {wanted} outputs, train it, and hand in those weights."
    ),
    "network": N_(
        "The weights in {file} fit none of the networks that the grader knows. The nearest is {nearest}: {missing} of"
        " its weights are missing, {unexpected} are unexpected, and {shapes} have another shape. Hand in the weights"
        " of that network, or also hand in the class of your own network in {networks_script} or {training_script},"
        " such that it can be built without arguments."
    ),
    "unknown_network": N_(
        "The weights in {file} fit none of the networks that the grader knows for these images. Also hand in the class"
        " of your network in {networks_script} or {training_script}, such that it can be built without arguments, or"
        " save it whole if it is an nn.Sequential."
    ),
    "more_weights": N_(
        "The weights in {file} are those of {nearest} and {count} more, so they belong to another network, one that"
        " the grader does not know: {names}. Hand in the weights of one of the lab's networks, or also hand in the"
        " class of your own network in {networks_script} or {training_script}, such that it can be built without"
        " arguments."
    ),
    "variants": N_(
        "The weights in {file} have the names and sizes of the {network}, which exists with several activations and"
        " poolings; the weights do not say which were used. Also hand in the class of your network in"
        " {networks_script} or {training_script}, such that it can be built without arguments."
    ),
    "layer": N_(
        "{file} contains a whole nn.Sequential with a layer that the grader does not rebuild: {name} ({layer}). Use"
        " layers of torch.nn, or also hand in a function without arguments that builds your network, in"
        " {networks_script} or {training_script}."
    ),
    "forward": N_(
        "The network in {file} was rebuilt as {network}, but it cannot process a {channels} x {side} x {side} image:"
        " {problem}."
        " Check that the sizes of its layers match."
    ),
    # an archive that is not a zip
    "archive_damaged": N_(
        "{file} is damaged or incomplete: it cannot be read as {format}. Pack the folder again, as .zip, and compare"
        " the size after the upload."
    ),
    "archive_part": N_(
        "{file} is one part of an archive in several parts, and the others are missing. Pack the folder as one .zip and"
        " hand that in."
    ),
    "archive_encrypted": N_("{file} is encrypted. Zip the folder again, without a password."),
    "archive_no_tar": N_(
        "{file} is a single compressed file, not a {format} archive of a folder. Pack the folder as .zip and hand that"
        " in."
    ),
    "archive_many": N_("{file} lists far more files than the lab asks for. Zip only the lab's own folder."),
    "archive_large": N_("{file} unpacks to more than {most:,} GB. Zip only the lab's own folder."),
    "archive_library": N_(
        "{file} is a {format} archive, and {library}, which unpacks it, is not on this machine. Install it (on Debian"
        " and Ubuntu: 'apt install libarchive13'; 'grade doctor' checks it) and grade again, or unpack the archive by"
        " hand and grade the folder."
    ),
    "archive_method": N_(
        "{file} is a {format} archive that cannot be unpacked on this machine ({problem}): it needs another program, or"
        " is damaged. Unpack it by hand, and grade the folder."
    ),
    # history.json
    "history_json": N_(
        "{file} is not JSON (line {line}). Run {training_script} to write it again, or check it with 'python -m"
        " json.tool {file}'."
    ),
    "history_empty": N_(
        '{file} contains no epochs. It should contain a list under "epochs" with one record per epoch, as'
        " {training_script} writes it."
    ),
    # the retrieval report
    "retrieval_json": N_(
        "{file} is not JSON (line {line}). Run {retrieval_script} to write it again, or check it with 'python -m"
        " json.tool {file}'."
    ),
    "retrieval_empty": N_("No ranking was found in the files handed in ({files}). {forms}"),
    "retrieval_other": N_("No ranking was found. {place} was not used, because {why}: '{text}'. {forms}"),
    "retrieval_unsure": N_(
        "{place} may be part of a ranking, but that is not certain, because {why}: '{text}'. A person must look."
        " {forms}"
    ),
    # a student's code, run
    "code_task": N_("{doing} cannot be tested, because task {number} is not done: {text} ({place})."),
    "code_function": N_(
        "{file} has no function {function}. Define it at the top level of the file, with the name and the arguments"
        " from the template."
    ),
    "code_syntax": N_(
        "{file} is not valid Python: {problem} (line {line}: {code}). Fix it, and run the file once before you hand it"
        " in."
    ),
    "code_script": N_(
        "{file} starts training when it is imported (line {line}), so it was not run. Put the training code into"
        ' functions, and call them under: if __name__ == "__main__":'
    ),
    "code_exit": N_(
        "The program exited during {doing} ({place}): remove sys.exit() and exit(), or move them under: if __name__ =="
        ' "__main__":'
    ),
    "code_package": N_(
        "{doing} needs {package}, which is neither in the submission nor among the lab's packages ({place}). Hand in"
        " the file, or do without it."
    ),
    "code_package_of_ours": N_(
        "{doing} needs the package {package}, which is not installed on the grader's machine ({place}). Install it"
        " there, and grade again: this was not judged."
    ),
    "code_package_of_whom": N_(
        "{doing} needs {package}, which is neither in the submission nor installed on the grader's machine ({place})."
        " If it is a package, install it there and grade again; if it is a file of the student's, ask for it: this was"
        " not judged."
    ),
    "code_package_version": N_(
        "{doing} needs {package}, which the version of {top} on the grader's machine does not have ({place}). Test the"
        " code by hand."
    ),
    "code_package_there": N_(
        "{doing} could not import {package} ({place}), although it can be imported where the code is run: the code"
        " itself hides it. Leave sys.modules, sys.path and sys.meta_path as they are, and raise no ModuleNotFoundError."
    ),
    "code_network": N_(
        "{doing} needs the network, which the sandbox does not have: {problem} ({place}). Test the code by hand."
    ),
    "code_left_out": N_(
        "{doing} needs {name} ({place}), which the grader left out because the script cannot be run as a whole"
        " ({left}). Test the code by hand."
    ),
    "code_no_accuracy": N_(
        "{doing} ran, but the accuracy of the grader's network could not be found in what it returns, sets or prints."
        " Test the code by hand."
    ),
    "code_not_followed": N_(
        "{file} has no function {function}, and the learning rates that it trains with could not be followed:"
        " {problem}. Read them by hand."
    ),
    "code_raised": N_("{doing} raised {kind}: {problem} ({place})."),
    "code_endless": N_("{doing} did not finish within {seconds:g} seconds ({place}): look for an infinite loop."),
    "code_arguments": N_(
        "{doing} needs arguments that the grader does not know: {arguments}. Give them default values."
    ),
    "code_arguments_differ": N_(
        "{doing} can be built in several ways that fit the weights and answer differently ({arguments}). Give its"
        " arguments the values that you trained with as defaults."
    ),
    "code_returned": N_("{doing} returned {found}; it should return {wanted}."),
    # a recomputed retrieval
    "extractor_weights": N_("The weights file {weights} does not fit the network {model}."),
    "extractor_input": N_(
        "The network cannot process images prepared this way: {problem}. Declare under 'preprocess' in {retrieval}"
        " how the images were prepared."
    ),
    "features_file": N_("{features} cannot be used: {problem}. Run {retrieval_script} to write it again."),
    "output": N_(
        "The network in {file} answers with values of shape {shape} for each image, not with {wanted} numbers."
        " Make its last layer one of {wanted} outputs, train it, and hand in those weights."
    ),
}


def refusal(code: str, values: Mapping[str, Scalar | Message], details: tuple[str, ...] = ()) -> Refused:
    """Build the refusal for a code. Raises KeyError for an unknown code, ValueError if the values do not match."""
    template = REFUSALS[code]
    ours = {name: value for name, value in given_fields().items() if name in fields_of(template)}
    return Refused(code, message(template, **values, **ours), details)


def heard_refusal(code: str, values: Mapping[str, Any], details: tuple[str, ...] = ()) -> Refused:
    """Build a refusal from a child's answer. Raises ValueError for anything that is not in the expected form."""
    refused = refusal(code, {str(name): heard(value) for name, value in values.items()}, details)
    refused.message.english()  # raises ValueError if a value does not fit its place: `{seconds:g}` takes a number
    return refused
