"""Why something handed in is refused, and how to mend it: a code, and the one sentence that it stands for.

A probe names the code; the parent, which never trusts a child's words, looks the sentence up here.
"""

from __future__ import annotations

LONGEST = 300  # characters of one value or detail
MOST_DETAILS = 200
SAVE = "Save the weights with torch.save(model.state_dict(), 'final.pth') and hand that file in."

REFUSALS: dict[str, str] = {
    # what the file is, told from its first bytes
    "empty": "{file} is empty (0 bytes): saving or copying it was interrupted. " + SAVE,
    "html": "{file} is a web page, not weights: a download or login page was saved under its name. Open it in a text"
    " editor to see which, fetch the real file, and hand that in.",
    "lfs": "{file} is a Git LFS pointer of {size} bytes, not the weights themselves. Run 'git lfs pull' and hand in the"
    " file it fetches.",
    "archive": "{file} is a {format} archive, not a PyTorch checkpoint. " + SAVE,
    "plain_zip": "{file} is a zip archive of other files, not a PyTorch checkpoint. " + SAVE,
    "other_format": "{file} is a {format} file, not a PyTorch checkpoint. " + SAVE,
    "torchscript": "{file} is a TorchScript program, and the grader runs no program that is handed in. " + SAVE,
    "legacy": "{file} was written in the format that PyTorch used before version 1.6 (2020), which can hide memory that"
    " was never filled. Load it with your own script, then save it again: " + SAVE,
    "plain_pickle": "{file} is a plain Python pickle, not a PyTorch checkpoint: pickle.dump was used in place of"
    " torch.save. " + SAVE,
    "unknown": "{file} is no PyTorch checkpoint: it begins with {start}. " + SAVE,
    "truncated": "{file} breaks off: it begins like a PyTorch checkpoint and has no end. It was still being written or"
    " copied. Copy it again after training has ended, and check that torch.load opens it.",
    # what is inside
    "records": "{file} is not a checkpoint that torch.save wrote: {problem}. " + SAVE,
    "global": "{file} asks for {name} when it is loaded, which is not part of any weights; nothing was run. " + SAVE,
    "pickle": "{file} cannot be read as weights: {problem}. " + SAVE,
    "no_tensors": "{file} holds no weights: {found}. " + SAVE,
    "tensor": "{file} holds a weight that cannot be used: {name} is {problem}. " + SAVE,
    "not_finite": "{file} holds {name} with {count} values that are NaN or infinite: training diverged. Lower the"
    " learning rate, or hand in an earlier checkpoint.",
    "classes": "The network in {file} has {classes} outputs, and CIFAR-10 has 10 classes ({name} is {shape}). Build the"
    " network with 10 outputs, train it, and hand in those weights.",
    "network": "The weights in {file} fit none of the networks that the grader knows. The nearest is {nearest}:"
    " {missing} of its weights are missing, {unexpected} others are there instead, {shapes} have another shape. Hand in"
    " the weights of that network, or with these the class that builds your own: in models.py or exp2.py, and so that"
    " it can be built without arguments.",
    "more_weights": "The weights in {file} are those of {nearest} and {count} more, which make it another network, one"
    " that the grader does not know: {names}. Hand in the weights of one of the lab's networks, or with these the class"
    " that builds your own: in models.py or exp2.py, and so that it can be built without arguments.",
    "layer": "{file} holds a whole nn.Sequential with a layer that the grader does not rebuild: {name} ({layer}). Use"
    " layers of torch.nn, or hand in with it the function that builds your network: in models.py or exp2.py, and"
    " without arguments.",
    "forward": "The network in {file} was rebuilt as {network}, and it cannot take a 3 x {side} x {side} image:"
    " {problem}. Check that the layers' sizes follow from each other.",
    # history.json
    "history_json": "{file} is not JSON (line {line}). Let exp2.py write it again, or check it with"
    " 'python -m json.tool {file}'.",
    "history_empty": '{file} holds no epochs. It should hold a list under "epochs" with one record an epoch, as exp2.py'
    " writes it.",
    # the retrieval report
    "retrieval_json": "{file} is not JSON (line {line}). Let retrieve.py write it again, or check it with"
    " 'python -m json.tool {file}'.",
    "retrieval_empty": "No ranking was found in what was handed in ({files}). Hand in retrieval.json as retrieve.py"
    " writes it.",
    # a student's code, run
    "code_task": "{doing} cannot be tried: task {number} is not done: {text} ({place}).",
    "code_function": "{file} has no function {function}. Define it at the top level of the file, with the name and the"
    " arguments that the template gives it.",
    "code_syntax": "{file} is no Python that can be run: {problem} (line {line}: {code}). Mend it, and run the file"
    " once before you hand it in.",
    "code_script": "{file} trains as soon as it is imported (line {line}), and was not run. Put training into"
    ' functions, and call them below: if __name__ == "__main__":',
    "code_exit": "The program was ended in the middle of {doing} ({place}): leave sys.exit() and exit() out, or below:"
    ' if __name__ == "__main__":',
    "code_package": "{doing} needs {package}, which is neither in the submission nor among the lab's packages"
    " ({place}). Hand the file in, or do without it.",
    "code_package_of_ours": "{doing} needs the package {package}, which the grader's machine lacks ({place}). Install"
    " what the lab needs ('pip install cnn-lab-grader[lab]'), see 'grade doctor', and grade again.",
    "code_raised": "{doing} raised {kind}: {problem} ({place}).",
    "code_endless": "{doing} did not end within {seconds:g} seconds ({place}): look for a loop without end.",
    "code_arguments": "{doing} needs arguments that the grader does not know: {arguments}. Give them default values.",
    "code_returned": "{doing} returned {found}; it should return {wanted}.",
    # a retrieval, computed anew
    "extractor_weights": "The file of the weights {weights} does not fit the network {model}.",
    "extractor_input": "The network cannot take images prepared so: {problem}. Declare under 'preprocess' in"
    " retrieval.json what was done with them.",
    "features_file": "features.npz cannot be used: {problem}. Let retrieve.py write it again.",
    "output": "The network in {file} answers with values of shape {shape} for each image, not with 10 numbers. Make"
    " its last layer one of 10 outputs, train it, and hand in those weights.",
}


class Refuse(Exception):
    """Raised by a probe: what was handed in cannot be used. `code` is a key of REFUSALS, `values` fill it."""

    def __init__(self, code: str, details: tuple[str, ...] = (), /, **values: str | int | float) -> None:
        super().__init__(code)
        self.code = code
        # names in a checkpoint may be megabytes long, and the answer may not
        self.values = {name: value[:LONGEST] if isinstance(value, str) else value for name, value in values.items()}
        self.details = [line[:LONGEST] for line in details[:MOST_DETAILS]]
