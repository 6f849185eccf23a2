"""Decides whose fault it is that a module cannot be imported: a student's who left a file out, or this machine's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from grader.evidence import Refused
from grader.evidence.refusals import refusal
from grader.labs import the_lab
from grader.records import Message, Submission

PACKAGE, UNCERTAIN, VERSION = "code_package_of_ours", "code_package_of_whom", "code_package_version"
THERE = "code_package_there"
# Refusals that say what the grader could not do: nobody is marked down for these.
OF_OURS = (PACKAGE, UNCERTAIN, VERSION, "code_left_out", "code_network", "code_no_accuracy", "code_not_followed")
# Import names of packages that scripts of such a course use, beside those that the grader or the lab needs.
_PACKAGES = """
PIL accelerate albumentations apex attr av avalanche cifar10_web click colossalai cupy cv2 cvxpy d2l dask
deepspeed dgl dill easydict einops faiss fastai ffcv flash_attn gdown gensim google gpytorch gradio gym
gymnasium h5py horovod huggingface_hub hydra ignite imageio imblearn imgaug jax jieba joblib kaggle keras kornia
librosa lightgbm lightning lmdb matplotlib medmnist ml_collections mmcv mmengine monai mxnet networkx nltk numba
nvidia omegaconf onnx onnxruntime open_clip openpyxl optuna paddle pandas patsy peft pickle5 plotnine polars psutil
pyarrow pycocotools pydantic pygame pynvml pyro pytorch_lightning pytorch_metric_learning pytorch_msssim ray regex
requests robustbench safetensors scipy segmentation_models_pytorch sentence_transformers setproctitle simplejson
skimage sklearn sklearnex sktime smart_open spacy statsmodels streamlit sympy tensorflow tensorflow_datasets thop
tifffile timm tokenizers toml torch_geometric torch_optimizer torch_scatter torchaudio torchbearer torchdata
torcheval torchmetrics torchsampler torchtext torchtoolbox transformers ttach ujson umap vit_pytorch
warmup_scheduler webdataset xgboost xlrd yacs yaml zarr
"""
PACKAGES = frozenset(_PACKAGES.split())
# What students call the other files of their own work.
_OWN_NAMES = """
args arguments backbone base block blocks blur cfg checkpoint cnn common conf config configs const constants core
data data_loader data_utils dataloader dataloaders dataset densenet dla engine eval exp features fit func
function functions general helper helpers homework hw hyperparameters lab layer layers lenet lib load loader logger loss
losses main metric metrics misc mlp mobilenet model model_utils models modules my mynet net nets network networks
optim options params plot plots plotting preprocess preprocessing pretrain resnet resnet18 resnet20 resnet9 run
scheduler schedulers settings solver src task test tester tool tools train train_utils trainer training transform
transforms util utils vgg vis visual visualization visualize vit wideresnet
"""
OWN_NAMES = frozenset(_OWN_NAMES.split())
OWN_BEGINNINGS = ("my_", "our_", "own_", "utils_", "model_", "models_", "helper_")
OWN_ENDINGS = ("_utils", "_util", "_helpers", "_helper", "_model", "_models", "_net", "_nets", "_config", "_train")


@dataclass(frozen=True, slots=True)
class Looked:
    """What a process without student code says of a module that student code missed."""

    there: bool  # it can be imported
    top: bool  # the package that it would be part of can be
    by_hand: bool  # the line that the error came from raises it, instead of importing anything


Look = Callable[[str, str, int], Looked | None]  # of a module, a file and a line; None where it could not be looked


def whose_package(failure: Refused, submission: Submission, look: Look) -> Refused:
    """Return the refusal as it is where the student left a file out, else one of OF_OURS.

    What student code says of this machine is believed only where another process finds the same.
    """
    if failure.code != "code_package":
        return failure
    values = dict(failure.message.values)
    name = str(values["package"])
    top = name.partition(".")[0]
    known = top in PACKAGES or top in the_lab().packages
    if not known and _is_their_own(name, submission):
        return failure
    looked = look(name, *_place(values["place"]))
    if looked and looked.there:
        return refusal(THERE, values, failure.details)
    if looked and looked.by_hand:
        raised = {"doing": values["doing"], "kind": ModuleNotFoundError.__name__, "problem": name}
        return refusal("code_raised", {**raised, "place": values["place"]}, failure.details)
    if looked and looked.top:
        return refusal(VERSION, {**values, "top": top}, failure.details)
    if known:
        return refusal(PACKAGE, {**values, "package": top}, failure.details)
    return refusal(UNCERTAIN, values, failure.details)


def _place(place: object) -> tuple[str, int]:
    """Return the file and line that a refusal names; an impossible one if it names none."""
    values = dict(place.values) if isinstance(place, Message) else {}
    line = values.get("line")
    return str(values.get("file", "")), line if type(line) is int else 0


def _is_their_own(name: str, submission: Submission) -> bool:
    """Whether a missing module must be a file of the student's: named like one, or part of a folder that is there."""
    top = name.partition(".")[0]
    low = top.casefold()
    stems = {path.rpartition("/")[2].partition(".")[0] for path in submission.parts.sources}
    folders = {folder for path in submission.parts.sources for folder in path.split("/")[:-1]}
    if top in folders or f"{top}.py" in (*the_lab().scripts, *the_lab().given):
        return True
    if low.rstrip("_0123456789") in OWN_NAMES or low.startswith(OWN_BEGINNINGS) or low.endswith(OWN_ENDINGS):
        return True
    return bool(get_close_matches(low, [stem.casefold() for stem in stems], n=1, cutoff=0.85))
