"""Test accuracies in the words of reports and in what scripts print; and numbers that look like them."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from grader.evidence import Claims
from grader.probes.documents.claims import MOST_TEXT, read_claims
from grader.probes.refusals import phrase


def read(*files: tuple[str, str | bytes]) -> dict:
    with ExitStack() as stack:
        descriptors = {}
        for name, content in files:
            file = stack.enter_context(tempfile.TemporaryFile())
            file.write(content if isinstance(content, bytes) else content.encode())
            file.flush()
            descriptors[name] = file.fileno()
        value, arrays = read_claims({"names": list(descriptors)}, descriptors)
    assert arrays == {}
    TypeAdapter(Claims).validate_json(json.dumps(value, allow_nan=False))
    return value


def stated(content: str | bytes, name: str = "report.md") -> list[float]:
    return [round(100 * claim["accuracy"], 4) for claim in read((name, content))["claims"]]


def notebook(*outputs: dict) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "outputs": [output]} for output in outputs]})


# --- sentences -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "Test accuracy: 84.54%",
        "test_acc=84.54",
        "test acc 0.8454",
        "Test-Acc: 84.54 %",
        "TEST ACCURACY (%): 84.54",
        "test_accuracy = 0.8454",
        "The final test accuracy is 84.54 percent.",
        "Our best accuracy of 84.54% came in epoch 17.",
        "Validation accuracy reached 84.54%.",
        "val_acc: 0.8454",
        "accuracy on the test set: 84.54%",
        "The accuracy on the 10,000 test images is 84.54%.",
        "Accuracy of the network on the 10000 test images: 84.54 %",
        "We reach 84.54% test accuracy.",
        "We reach an accuracy of 0.8454 on the test set.",
        "It names 84.54 % of images right: 84.54% on the test set.",
        "The test accuracy improved from 75.00% to 84.54%.".replace("from 75.00% ", ""),
        "The test accuracy has increased to 84.54%.",
        "| resnet20 | test accuracy | 84.54% |",
        "**Test accuracy:** `84.54%`",
        "Epoch 19: train loss 0.35, train acc 95.10%, test loss 0.50, test acc 84.54%",
        "epoch 19, rate 0.0010: train 0.3521 95.10 %, test 0.5012 84.54 %, 61 s",
        "Test set: Average loss: 0.5012, Accuracy: 8454/10000 (84.54%)",
        "79/79 Loss: 0.501 | Acc: 84.540% (8454/10000)",
        "TEST::Epoch [9] Batch [79/79] Loss: 0.501 | Trainig Acc: 84.540% (8454/10000)",
        "测试准确率：84.54%",
        "测试集上的准确率为 84.54%",
        "在测试集准确率达到了84.54%",
        "最终的准确率是 84.54%，比以前好约 10%。",
        "模型的最终准确率可达 84.54%",
        "测试集准确率提高到 84.54%",
        "验证集正确率约为 84.54％",
        "测试准确率：８４．５４％",
        "测试精度 0.8454",
        "\x1b[32mTest accuracy: 84.54%\x1b[0m",
    ],
)
def test_a_test_accuracy_is_read_in_the_words_of_a_report(line):
    assert stated(line) == [84.54]


@pytest.mark.parametrize(
    "line",
    [
        "Accuracy: 84.54%",  # of what?
        "Training accuracy: 99.10%",
        "Final training accuracy: 99.10%",
        "The train accuracy is 95 %, higher than in the test.",
        "训练准确率 99.10%，没有测试",
        "Test loss: 0.4512",
        "test_loss=0.45 acc?",
        "Test accuracy improved by 10%.",
        "The test accuracy is 10.5% better than before.",
        "测试准确率提高了 10%",
        "测试准确率比优化前好约 10%",
        "The test accuracy should be above 70%.",
        "在 10000 张测试图片上的准确率可以达到 70% 以上",
        "a test accuracy of 70% or more is expected",
        "当测试准确率不再上升时，将 lr 乘以 0.1",
        "Train acc 和 Test acc 有什么不同？学习率从 0.1 变到 0.01 后呢？",
        "When the test accuracy stalls, the learning rate 0.1 becomes 0.01.",
        "What is the test accuracy? 50% of students asked.",
        "Test accuracy after 20 epochs",
        "Test accuracy: 8454",
        "Test accuracy: 184.5%",
        "Test accuracy: 1234.5%",
        "ResNet50 检索准确率 46%，AlexNet 准确率 64%",
        "Accuracy (%): 46.0",
        "Accuracy (top-1) (%): 70.0",
        "ResNet50 的准确率为 46%，AlexNet 为 64%，Top-1 准确率 90%",
        "检索的最终准确率为 64%",
        "The best retrieval accuracy, 64%, was AlexNet's.",
        "final precision@5 accuracy 0.46",
        "Top 1 match (0.9957544207572937): ./dataset/0/a.JPEG",
        "the contest accuracy was 55%",
        "",
    ],
)
def test_other_numbers_are_no_test_accuracies(line):
    assert stated(line) == []


def test_retrieval_figures_beside_a_claim_stay_out_of_it():
    text = (
        "实验一\n最终准确率：84.54%\n实验二 检索\nAccuracy (%): 46.0\nAccuracy (%): 64.0\n属于可接受水平：46%、64%。\n"
    )
    assert stated(text) == [84.54]


def test_a_sentence_that_goes_on_in_the_next_line_is_read():
    assert stated("and so the final test\naccuracy is 91.20%.") == [91.2]
    assert stated("最终的测试\n准确率为 91.20%") == [91.2]
    assert stated("the test accuracy\nrate 0.1 is what we chose") == []


def test_a_claim_and_its_neighbour_lines_are_one_claim():
    assert stated("My report\n\nThe test accuracy is 91.20%.\n\nThanks.") == [91.2]


def test_the_place_and_the_words_are_told():
    (claim,) = read(("report.md", "# Lab\n\nIn the end the test accuracy is 84.54%, which I like."))["claims"]
    assert (claim["source"], claim["line"]) == ("report.md", 3)
    assert claim["quote"] == "In the end the test accuracy is 84.54%, which I like."


def test_a_long_line_gives_a_short_quote():
    (claim,) = read(("report.md", "x " * 500 + "test accuracy is 84.54%" + " y" * 500))["claims"]
    assert "84.54%" in claim["quote"]
    assert len(claim["quote"]) <= 200


# --- logs ------------------------------------------------------------------------------------------------------


def log(*accuracies: float) -> str:
    return "".join(f"epoch {i}: train_acc 0.99 test_acc {value:.4f}\n" for i, value in enumerate(accuracies))


def test_of_a_log_the_best_and_the_last_count():
    assert stated(log(0.5, 0.6881, 0.66, 0.6794), "log.txt") == [68.81, 67.94]


def test_a_last_that_is_the_best_counts_once():
    assert stated(log(0.5, 0.6, 0.7), "log.txt") == [70.0]


def test_each_document_counts_by_itself():
    value = read(("a.txt", log(0.5, 0.6)), ("b.md", "Test accuracy: 84.54%"))
    assert [(claim["source"], round(claim["accuracy"], 4)) for claim in value["claims"]] == [
        ("a.txt", 0.6),
        ("b.md", 0.8454),
    ]


# --- notebooks -------------------------------------------------------------------------------------------------


def test_what_a_notebook_printed_is_read_in_every_form_of_output():
    printed = {"output_type": "stream", "text": ["epoch 1\n", "test acc: 50.0%\n", "test acc: 68.81%\n"]}
    shown = {"output_type": "execute_result", "data": {"text/plain": "'test acc: 67.94%'"}}
    value = read(("lab.ipynb", notebook(printed, {"output_type": "error"}, shown)))
    assert [(claim["source"], claim["accuracy"]) for claim in value["claims"]] == [
        ("lab.ipynb, cell 1", pytest.approx(0.6881)),
        ("lab.ipynb, cell 3", pytest.approx(0.6794)),
    ]


def test_a_notebooks_code_is_no_claim():
    cell = {"cell_type": "code", "source": "# test accuracy: 99.9%", "outputs": []}
    assert stated(json.dumps({"cells": [cell]}), "lab.ipynb") == []


def test_a_progress_bar_is_read_to_its_end():
    assert stated(notebook({"text": "test acc: 10.0%\rtest acc: 20.0%\rtest acc: 84.54%"}), "lab.ipynb") == [84.54]


def test_half_a_character_in_the_output_does_not_cost_the_claims():
    text = '{"cells": [{"outputs": [{"text": "\\ud800 test acc: 84.54%"}]}]}'
    assert stated(text, "lab.ipynb") == [84.54]


# --- files -----------------------------------------------------------------------------------------------------


def pdf(*pages: str) -> bytes:
    """A small PDF, written by hand: one line of Helvetica a page."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
        page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >>"
        objects.append(f"{page} /Contents {5 + 2 * number} 0 R >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    return body + head + table + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1, len(body),
    )  # fmt: skip


@pytest.mark.parametrize("name", ["report.pdf", "Report.PDF"])
def test_a_pdf_is_read_and_its_page_told(name):
    (claim,) = read((name, pdf("Lab 5", "The final test accuracy is 84.54%.")))["claims"]
    assert (claim["accuracy"], claim["source"]) == (pytest.approx(0.8454), f"{name}, page 2")


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4\n", b"hello", pdf("x")[:200], b"%PDF-1.4\n" + bytes(5_000)])
def test_a_broken_pdf_is_listed_as_unread_and_stops_nobody(content):
    value = read(("report.pdf", content), ("report.md", "Test accuracy: 84.54%"))
    assert [claim["source"] for claim in value["claims"]] == ["report.md"]
    assert len(value["unread"]) == 1
    assert value["unread"][0]["code"] == "unread_file" and value["unread"][0]["values"][0] == ["file", "report.pdf"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "5", '{"cells": [{"outputs": 5}]}', '{"cells": [{"outputs": [5]}]}']
)
def test_a_broken_notebook_is_listed_as_unread(content):
    value = read(("lab.ipynb", content))
    assert value["claims"] == []
    assert value["unread"][0]["code"] == "unread_file" and value["unread"][0]["values"][0] == ["file", "lab.ipynb"]


def test_a_word_file_is_listed_as_unread_with_what_to_do():
    assert read(("report.docx", b"PK\x03\x04"))["unread"] == [phrase("word_file", file="report.docx")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_the_encodings_of_windows_are_read(encoding):
    assert stated("测试准确率：84.54%".encode(encoding), "result.txt") == [84.54]


def test_no_more_claims_come_back_than_a_page_can_show():
    value = read(*((f"{number}.txt", log(0.9, 0.8)) for number in range(60)))
    assert len(value["claims"]) == 100


LINE = "x" * 1_000 + "\n"
FILLERS = {
    "long lines": LINE * (MOST_TEXT // len(LINE) + 1),
    "short lines": "a b\n" * 600_000,
    "one line": "word " * 500_000 + "\n",
    "one word": "x" * 2_500_000 + "\n",
    "empty lines": "\n" * 3_000_000,
    "four times as much": LINE * (4 * MOST_TEXT // len(LINE)),
}


@pytest.mark.parametrize("filler", FILLERS)
@pytest.mark.parametrize("name", ["report.md", "train.log"])
def test_of_more_text_than_anybody_writes_beginning_and_end_are_read(filler, name):
    """And what is between them is said not to be."""
    middle = "\nTest accuracy: 60.00%\n"
    value = read((name, f"Test accuracy: 84.54%\n\n{FILLERS[filler]}{middle}{FILLERS[filler]}\nOur val_acc: 50.00%"))
    found = {round(claim["accuracy"], 4) for claim in value["claims"]}
    assert found - {0.6} == {0.8454, 0.5}
    assert 0.6 not in found or (name == "train.log" and filler.startswith("one "))  # only that line is cut
    assert value["unread"] == [phrase("unread_middle", file=name)]


def test_the_line_of_a_claim_at_the_end_of_a_long_text_is_right():
    text = LINE * 15_000 + "Test accuracy: 84.54%"
    (claim,) = read(("report.md", text))["claims"]
    assert claim["line"] == 15_001


def test_a_huge_document_silences_no_other():
    huge = ("a.txt", FILLERS["short lines"])
    value = read(huge, ("report.md", "Test accuracy: 84.54%"), ("b.txt", FILLERS["four times as much"]))
    assert [claim["source"] for claim in value["claims"]] == ["report.md"]
    assert {one["values"][0][1] for one in value["unread"]} == {"a.txt", "b.txt"}


def test_a_paragraph_on_one_long_line_is_read_to_its_end():
    paragraph = "The network has three stages. " * 200 + "Our final test accuracy is 84.54%."
    value = read(("report.md", paragraph))
    assert [round(claim["accuracy"], 4) for claim in value["claims"]] == [0.8454]
    assert value["unread"] == []


@pytest.mark.parametrize("figure", ["1e308", "9" * 400, "1e-320", "-1e308", "inf", "nan"])
def test_no_figure_is_too_large_or_too_small(figure):
    stated(f"Test accuracy: {figure}%\ntest_acc={figure}\n| epoch | test acc |\n|---|---|\n| 1 | {figure} |")


def test_a_hostile_name_fits_into_the_evidence():
    value = read(("a" * 3_000 + ".txt", "Test accuracy: 84.54%"), ("b" * 3_000 + ".pdf", b"x"))
    assert len(value["claims"]) == len(value["unread"]) == 1


@given(st.text(st.sampled_from("test acc准确率:测试 0123456789.%\n\r\x1b[mfinal()/"), max_size=200))
def test_no_text_at_all_makes_a_claim_that_is_no_share(text):
    assert all(0.0 <= accuracy <= 100.0 for accuracy in stated(text))
