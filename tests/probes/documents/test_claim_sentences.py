"""Sentences that claim an accuracy with certainty, and sentences that only look as if they did."""

from __future__ import annotations

import sys
import tempfile
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from fixtures.readers.claims import read
from grader.evidence import Claims
from grader.probes.documents.claims import read_claims


def certain(text: str, printed: bool = False) -> list[float]:
    return [round(claim["accuracy"], 6) for claim in read(text, printed) if claim["certain"]]


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Training accuracy is 99.2 % and test accuracy is 84.1 %.", 0.841),
        ("我们的网络在 CIFAR-10 测试集上的最终准确率为 0.8712", 0.8712),
        ("Of the 10,000 test images, 8,345 are classified correctly.", 0.8345),
        ("Our network achieves 84.3 % on the test set, while the original paper reports 91.25 %.", 0.843),
        ("We obtained 86.3% on the test set.", 0.863),
        ("The model correctly classifies 83.2% of the test images.", 0.832),
        ("With an accuracy of 86.9 % on the held-out test set, the network is good.", 0.869),
        ("As Figure 2 shows, the test accuracy settles at 83.7 % after about 40 epochs.", 0.837),
        ("Test accuracy (final epoch): 85.2 %", 0.852),
        ("Test accuracy: 84.1 % -> 86.3 %", 0.863),
        ("本实验最终得到的模型在测试集上的准确率为87.25%，满足要求。", 0.8725),
        ("ResNet-20 在 CIFAR-10 测试集上取得了 91.3% 的准确率", 0.913),
        ("训练准确率为 98.2%，而测试准确率只有 83.9%", 0.839),
        ("最终测试结果：准确率 84.2%", 0.842),
        ("Compared with 91.25 % in [1], our test accuracy is 85.2 %.", 0.852),
        ("Averaged over all ten classes, the test accuracy is 85.2 %.", 0.852),
        ("The accuracy we measured on the test split is 0.8731.", 0.8731),
        ("Test top-1: 87.31 %", 0.8731),
        ("It gets 87.3 % of the test images right.", 0.873),
        ("The overall accuracy on the test set was 87.31%, with cats being the hardest class (72%).", 0.8731),
        ("train acc = 99.01%, test acc = 87.31%", 0.8731),
        ("Test accuracy: 87.31% (train: 99.0%)", 0.8731),
        ("Our network achieves 87.31 % test accuracy, which is 4 % below the paper's 91.25 %.", 0.8731),
        ("The accuracy of 87.31 % on the test set exceeds the required 70 %.", 0.8731),
        ("Adding augmentation increased the test accuracy from 75 % to 87.31 %.", 0.8731),
        ("Test accuracy (required 70 %): 87.31 %", 0.8731),
        ("测试集上 10000 张图片，正确分类 8731 张，准确率 87.31%", 0.8731),
        ("我们的模型在 CIFAR-10 测试集上达到了 87.31% 的分类准确率。", 0.8731),
        ("测试准确率由 75.2% 提升至 87.31%", 0.8731),
    ],
)
def test_a_report_claims(text: str, share: float) -> None:
    assert certain(text) == [pytest.approx(share, abs=5e-5)]


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Accuracy of the network on the 10000 test images: 74 %", 0.74),
        ("Test set: Average loss: 0.0004, Accuracy: 8954/10000 (90%)", 0.8954),
        ("Best test accuracy: 0.9122 at epoch 170", 0.9122),
        ("Accuracy on test data: 0.8123 loss: 0.55", 0.8123),
        ("测试集：准确率 8690/10000 (86.9%)", 0.869),
        ("Loss 0.51, top-1 84.2 % on test", 0.842),
        ("Test accuracy: 0.7123000264167786", 0.7123000264167786),
        ("Finished Training. Accuracy on test set: 71 %", 0.71),
        ("2024-05-01 12:00:01 INFO test accuracy = 84.31%", 0.8431),
        ("correct: 9302 / 10000", 0.9302),
        ("第50轮 训练损失 0.12 训练准确率 96.3% 测试损失 0.61 测试准确率 84.2%", 0.842),
        ("test acc: tensor(0.8731)", 0.8731),
        ("Evaluating on test set... accuracy 87.31%", 0.8731),
        ("Test results: 87.31% accuracy, 0.41 loss", 0.8731),
        ("准确率: 87.31% (8731/10000)", 0.8731),
    ],
)
def test_a_log_claims(text: str, share: float) -> None:
    assert certain(text, printed=True) == [pytest.approx(share, abs=5e-5)]


@pytest.mark.parametrize(
    "text",
    [
        "\\includegraphics[width=0.85\\linewidth]{test_accuracy.png}",
        "如果学习率设为0.1，测试准确率只有 40%。",
        "测试准确率提升了 3.2%",
        "On 1000 test images the accuracy is 85 %.",
        "Random guessing gives a test accuracy of 10 %.",
        "The test accuracy is 80-85 %.",
        "The test accuracy did not reach 90 %.",
        "Retrieval accuracy on the test queries: 64 %",
        "Test error: 15.5 %",
        "The test accuracy exceeds 80 %.",
        "我们的目标是在测试集上达到 90% 的准确率。",
        "The network misclassifies 1,480 of the 10,000 test images.",
        "Krizhevsky's cuda-convnet reaches 89 % accuracy on the test set.",
        "My classmate's network reached 93 % test accuracy.",
        "We expect a test accuracy of about 85 %.",
        "Reaching 90 % test accuracy is hard.",
        "Stop training once test accuracy is 90 %.",
        "Test accuracy is 12.1 % lower than training accuracy.",
        "飞机类的测试准确率最高，为 92%",
        "验证集准确率 85.2%",
        "我期望测试集准确率能到 90%",
        "dropout 比例为 30% 时测试准确率略有提高",
        '<td width="50%">test accuracy</td>',
        "\\begin{minipage}{0.48\\textwidth} Test accuracy \\end{minipage}",
        "> The network should reach a test accuracy of 70 %.",
        "The worst class has 70 % test accuracy.",
        "The test accuracy was 45 % after the first epoch.",
        "Is 84 % test accuracy good?",
        "test accuracy vs. sparsity: 90 % sparsity costs 2 %",
        "20 % of the training set was held out as the test set, and the accuracy on it was 83 %.",
        "confidence 99.1 % on a test image",
        "The paper reports 91.25 % test accuracy; we reach 87.31 %.",
        "It would take 200 epochs to reach 93 % on the test set.",
        "A test accuracy of 100 % is impossible.",
        "Requirement: 70 % accuracy on test set",
        "At a learning rate of 0.1 the test accuracy oscillates around 60 %.",
        "From epoch 20 on, test accuracy hovers around 85 %.",
        "The pretrained network has a test accuracy of 62.1 %.",
        "test accuracy plot, scaled to 80 %",
        "<div style='margin-left:10%'>Test accuracy curve</div>",
        "<pre>test accuracy: 99%</pre>",
        "测试准确率超过 80%",
        "何恺明等人在论文中报告的测试准确率为 91.25%。",
        "本次实验目标：测试准确率 ≥ 85%",
        "猫和狗的测试准确率分别为 72% 和 78%",
        "![测试准确率曲线](test.png){width=80%}",
        "随机猜测的测试准确率为 10%。",
        "没有数据增强时，测试准确率为 78.1%。",
        "Liu's implementation achieves 95.5 % accuracy on the test set.",
        "According to [3], the test accuracy is 93 %.",
        "Table 6 of the ResNet paper: 91.25 % test accuracy",
        "AutoAugment (Cubuk et al.): test accuracy 97.4%",
        "k-NN test accuracy: 35 %",
        "Wide ResNets get 96 % test accuracy these days.",
        "In the third epoch the accuracy on the test set was 70 %.",
        "Halving the learning rate costs 2 % test accuracy.",
        "We lost 3 % accuracy on the test set by removing the shortcut.",
        "Test accuracy drops by 5.2 %.",
        "The standard deviation of the test accuracy is 0.3 %.",
        "I assumed a test accuracy of 90 %.",
        "More than 80 % test accuracy is considered good.",
        "A good network has 90 % test accuracy.",
        "Most groups have a test accuracy of about 85 %.",
        "pretrain_model.pth has a test accuracy of 68.1 %.",
        "MNIST test accuracy: 99.1 %",
        "Accuracy on the training images: 98.2 %, test images were not used.",
        "With 95 % confidence, the test accuracy is above 83 %.",
        "Accuracy per class on the test set: 90 %, 95 %, 80 %",
        "Precision@5 on the test queries: 0.92",
        "某同学的模型测试准确率为 95%",
    ],
)
def test_a_report_does_not_claim(text: str) -> None:
    assert certain(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Accuracy of plane : 84 %",
        "Accuracy for class: ship  is 91.3 %",
        "Train set: Average loss: 0.0004, Accuracy: 48954/50000 (98%)",
        "313/313 - 2s - loss: 0.5123 - accuracy: 0.8433",
        "test_acc: [0.52, 0.61, 0.70]",
        "val_loss: 0.44 - val_accuracy: 0.86",
        "GroundTruth:  cat ship ship plane",
        "Accuracy of the network on the 50000 train images: 91 %",
        "Accuracy of the network on the 5000 validation images: 81 %",
        " * Prec@1 91.250 Prec@5 99.7",
        "plt.title('Test accuracy: 84 %')",
        "tensor(0.8731, device='cuda:0')",
        "Best acc: 87.31",
        "Accuracy of cat on the test images: 72 %",
        "Test Accuracy of automobile: 93% (934/1000)",
        "class 3 test accuracy: 72.0%",
    ],
)
def test_a_log_does_not_claim(text: str) -> None:
    assert certain(text, printed=True) == []


@pytest.mark.parametrize(
    "text",
    [
        "The validation accuracy is 86.31 %.",  # of other images, or of the test images under another name
        "Our final accuracy is 86.31 %.",  # on which images?
        "Without the shortcut, the test accuracy is 86.31 %.",
        "A test accuracy of 86.31 %, the aim of this lab, is far away.",
        "The paper trains the same network. The test accuracy is 86.31 %.",
        "| recipe | test accuracy |\n|---|---|\n| step | 86.31 % |\n| plateau | 86.31 % |",
    ],
)
def test_what_is_not_certain_is_read_without_certainty(text: str) -> None:
    found = read(text, printed=False)
    assert {(round(claim["accuracy"], 4), claim["certain"]) for claim in found} == {(0.8631, False)}


def test_a_count_of_all_test_images_is_more_exact_than_the_percentage_beside_it() -> None:
    assert certain("test accuracy: 86% (8631/10000)", printed=True) == [0.8631]


def test_a_count_that_contradicts_its_percentage_is_no_claim() -> None:
    assert certain("test accuracy: 76% (8631/10000)", printed=True) == []


def test_what_is_printed_again_and_again_counts_once_and_another_sentence_by_itself() -> None:
    text = "".join(f"epoch {n}: test acc {80 + n}.0%\n" for n in (1, 7, 3)) + "Best test accuracy: 87.0%"
    assert certain(text, printed=True) == [0.87, 0.83, 0.87]


def test_claims_stored_before_there_was_certainty_are_certain() -> None:
    stored = {"claims": [{"accuracy": 0.9, "source": "report.md", "line": 1, "quote": "90 %"}], "kind": "claims"}
    found = TypeAdapter(Claims).validate_python(stored, strict=False)
    assert found.certain == found.claims


PIECES = (
    "test ", "acc ", "accuracy", "train", "准确率", "测试集", "84.5 %", "0.845", "17", "10000", "8450/10000",
    "912/1000", "(", ")", ", ", ": ", "|", "\n", "to ", "from ", "and ", "-", "->", "±", "by ", "of ", "loss ",
    "respectively ", "we ", "为", "<b>", "{", "}", "[", "]", "`", "\\\\", "\\textbf{", "&", "+", "?", ". ",
    "points ", "百分之", "epoch ", "classes ", "images ", "both\t",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.sampled_from(["report.md", "lab.log", "a.tex"]))
@settings(deadline=None)
def test_every_text_is_read_to_its_end(text: str, name: str) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        fields, _ = read_claims({"names": [name]}, {name: file.fileno()})
    assert fields["unread"] == []


def calls(text: str, printed: bool) -> int:
    """Count the function calls, Python's and C's, that reading takes."""
    count = 0

    def seen(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        read(text, printed)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("printed", [False, True])
@pytest.mark.parametrize(
    "piece",
    [
        "test acc 50% ", "test acc: 0.5, ", "测试准确率50%", "and 50% ", "test acc ((50%", "from 1% to 2% acc test ",
        "acc|test\n",
        "acc,test\n1,\n", "<a", "<!--", "![", "{=", "`(=", "\\a[", "a & b \\\\\n", "1", "1.", "test ", "图",
    ],
)  # fmt: skip
def test_twice_the_text_takes_at_most_little_more_than_twice_the_steps(piece: str, printed: bool) -> None:
    text = piece * 400
    assert calls(text * 2, printed) <= 3 * calls(text, printed) + 1_000
