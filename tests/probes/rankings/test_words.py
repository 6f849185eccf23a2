"""Headings, figures and metrics around a ranking; and sentences that only look like them."""

import pytest

from grader.probes.rankings.figures import claims_in
from grader.probes.rankings.models import NAMES, normal
from grader.probes.rankings.words import metric_in, model_heading, query_heading, weights_in


@pytest.mark.parametrize(
    "line",
    [
        "ResNet50:",
        "## ResNet-50",
        "Model: resnet50",
        "模型: ResNet50",
        "2.3.1 ResNet50 检索结果",
        "=== resnet50 ===",
        "[resnet50]",
        "Using model resnet50 with ImageNet weights",
        "Results of ResNet 50",
        "resnet50 (random, seed 0), cosine: precision@5 12.0%, top-1 10.0%",
        "**ResNet-50**",
        "(1) ResNet50 模型",
        "使用 ResNet50 提取特征",
        "基于ResNet50的检索",
        "$ python retrieve.py --model resnet50",
        "Loading ResNet50...",
        "Top-5 results (ResNet50)",
        "model = models.resnet50(weights='DEFAULT')",
    ],
)
def test_a_heading_names_the_network(line):
    assert model_heading(line) == "resnet50"


@pytest.mark.parametrize(
    "line",
    [
        "ResNet50 与 AlexNet 的比较",
        "AlexNet(",
        "class AlexNet(nn.Module):",
        "from torchvision.models import resnet50",
        "ResNet50 准确率 46%,AlexNet 准确率 64%",
        "除了 ResNet50,还可以使用其他神经网络来提取图像特征。",
        "We see that ResNet50 is better than we thought, which is nice.",
        "ResNet50 scores are all close to 0.99, as seen above.",
        "def build(model: nn.Module):",
        "model: nn.Module",
        "",
    ],
)
def test_a_sentence_or_a_line_of_code_is_no_heading(line):
    assert model_heading(line) == ""


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("ResNet-50", "resnet50"),
        ("ResNet50", "resnet50"),
        ("RESNET_50", "resnet50"),
        ("AlexNet", "alexnet"),
        ("VGG16", "vgg16"),
        ("VGG-16-BN", "vgg16_bn"),
        ("EfficientNet-B0", "efficientnet_b0"),
        ("efficientnet-lite0", "efficientnet_lite0"),
        ("ViT-B/16", "vit_b_16"),
        ("MobileNetV3-Large", "mobilenet_v3_large"),
        ("Wide ResNet-50-2", "wide_resnet50_2"),
        ("ResNet-20", "resnet20"),
        ("DenseNet 121", "densenet121"),
    ],
)
def test_a_name_that_is_certain_is_spelled_as_torchvision_does(written, name):
    assert normal(written) == name


@pytest.mark.parametrize(
    "written", ["se_resnet50", "my_resnet50", "ResNet", "MyNet v2", "resnet500", "ResNet50 and AlexNet"]
)
def test_a_name_that_is_not_certain_is_kept(written):
    assert normal(written) == written


def test_every_known_name_is_itself():
    assert [normal(name) for name in NAMES] == list(NAMES)


@pytest.mark.parametrize(
    ("line", "query"),
    [
        ("Matching ./target\\0.png", "target/0.png"),
        ("Query: cat.jpg", "cat.jpg"),
        ("Query image: queries/my cat.jpg", "queries/my cat.jpg"),
        ("查询图像:cat.jpg", "cat.jpg"),
        ("查询图片 cat.jpg", "cat.jpg"),
        ("待检索图像: C:\\Users\\Ada Ng\\q\\cat.jpg", "C:/Users/Ada Ng/q/cat.jpg"),
        ("图片 cat.jpg 的检索结果", "cat.jpg"),
        ("  queries/cat.jpg", "queries/cat.jpg"),
        ("### queries/cat.jpg", "queries/cat.jpg"),
        ("![cat](queries/cat.jpg)", "queries/cat.jpg"),
        ("[3/10] queries/cat.jpg", "queries/cat.jpg"),
        ("Query 3 (cat.jpg):", "cat.jpg"),
        ("Query 3:", "3"),
        ("Query: cat", "cat"),
        ("Matching cat", "cat"),
        ("Results for queries/cat.jpg:", "queries/cat.jpg"),
        ("'queries/cat.jpg':", "queries/cat.jpg"),
    ],
)
def test_a_heading_names_the_query(line, query):
    assert query_heading(line) == (query, "")


def test_the_class_of_a_query_is_read():
    assert query_heading("Top 5 matches for queries/7.jpg (class cat):") == ("queries/7.jpg", "cat")


@pytest.mark.parametrize(
    "line",
    [
        "Saved sheet to retrieval_resnet50.png",
        "Query the library",
        "Matching is done by cosine",
        "查询",
        "a.png and b.png",
        "The query is matched with all images of the library and sorted",
    ],
)
def test_a_line_that_announces_no_query(line):
    assert query_heading(line) is None


@pytest.mark.parametrize(
    ("line", "stated"),
    [
        ("Accuracy (%): 46.0", [("precision_at_5", 0.46, "")]),
        ("Accuracy (top-1) (%): 70.0", [("top1", 0.7, "")]),
        ("precision@5 12.0%, top-1 10.0%", [("precision_at_5", 0.12, ""), ("top1", 0.1, "")]),
        ("P@5 = 0.46, P@1 = 0.7", [("precision_at_5", 0.46, ""), ("top1", 0.7, "")]),
        ("precision_at_5=0.46", [("precision_at_5", 0.46, "")]),
        ("top-1 accuracy: 7/10", [("top1", 0.7, "")]),
        (
            "ResNet50 准确率 46%,AlexNet 准确率 64%",
            [("precision_at_5", 0.46, "resnet50"), ("precision_at_5", 0.64, "alexnet")],
        ),
        ("Top-1 准确率:ResNet50 70%,AlexNet 90%", [("top1", 0.7, "resnet50"), ("top1", 0.9, "alexnet")]),
        ("Test accuracy 91%", []),
        ("precision@5 460 %", []),
        ("Accuracy over 5 runs", []),
    ],
)
def test_figures_are_read_with_the_network_they_belong_to(line, stated):
    assert [(claim.field, claim.share, claim.model) for claim in claims_in(line)] == stated


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("cosine similarity", "cosine"),
        ("余弦相似度", "cosine"),
        ("F.cosine_similarity", "cosine"),
        ("Euclidean distance", "euclidean"),
        ("欧氏距离", "euclidean"),
        ("L2 distance", "euclidean"),
        ("cosine distance", ""),
        ("cosine annealing", ""),
        ("CosineAnnealingLR", ""),
        ("余弦退火", ""),
        ("cosine or Euclidean", ""),
        ("similarity", ""),
        ("distance", ""),
    ],
)
def test_the_metric_is_told_by_its_word_alone(text, metric):
    assert metric_in(text) == metric


def test_a_bare_distance_is_euclidean_where_it_heads_a_column():
    assert metric_in("distance", distance=True) == "euclidean"
    assert metric_in("cosine distance", distance=True) == ""
    assert metric_in("Manhattan distance", distance=True) == ""


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("resnet50 (random, seed 7), cosine", ("random", 7)),
        ("weights: IMAGENET1K_V2", ("IMAGENET1K_V2", None)),
        ("resnet20 with the weights of final.pth", ("final.pth", None)),
        ("随机初始化的 ResNet50", ("random", None)),
        ("ten random images", ("", None)),
    ],
)
def test_weights_and_seed_are_read(text, stated):
    assert weights_in(text) == stated
