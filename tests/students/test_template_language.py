"""The template in Chinese: all of its words are Chinese, and none of its code is another."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner

from fixtures.warm import Warm
from grader.cli.app import cli
from grader.labs import the_lab
from grader.students.template import make_template
from grader.students.template_language import read_catalogue, texts, translate

REFERENCE = Path(__file__).parents[2] / "reference"
CATALOGUE = read_catalogue((REFERENCE / "handout.zh.po").read_bytes())
ENGLISH, CHINESE = make_template(), make_template(language="zh")
PYTHON = sorted(name for name in ENGLISH if name.endswith(".py"))
LETTERS = re.compile(r"[\u4e00-\u9fff]")
FIELD = re.compile(r"\{(?:[^{}']|'[^']*')*\}")
STAY_ENGLISH = {  # drawn with a font that has no Chinese letters, names, and what programs read
    *("training points", "mean squared error", "cross entropy", "accuracy in percent", "epoch {epoch}", "the tasks"),
    *("DejaVu Sans", "Microsoft YaHei", "PingFang SC", "Noto Sans CJK SC", "Noto Sans CJK JP"),
    *("(* of the query's class)", "; the first {len(shown)} of {len(queries)} queries"),
    "{run.title(queries)}{rest}\n✓ of the query's class   ✗ of another",
    "precision@5 {claimed['precision_at_5']:.1%}, top-1 {claimed['top1']:.1%}",
    r"NotImplementedError: \d\.\d: .*",
    "python -m pip install -r requirements.txt",
    *("(B, 3, crop, crop)", "(B, side)", "uint8 (N, 32, 32, 3)"),
}


def said(name: str) -> set[str]:
    if name.endswith(".py"):
        return {text.message for text in texts(ENGLISH[name])}
    return {line.partition("# ")[2] for line in ENGLISH[name].decode().splitlines()}


class Blank(ast.NodeTransformer):
    """Empties every string; of an f-string its fields are left, in an order of their own."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("" if isinstance(node.value, str) else node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Tuple:
        fields = [part for part in node.values if isinstance(part, ast.FormattedValue)]
        return ast.Tuple(sorted(fields, key=ast.dump), ast.Load())


def code(source: bytes) -> str:
    return ast.dump(Blank().visit(ast.parse(source)))


def test_every_comment_docstring_and_sentence_has_a_translation_and_none_is_left_over():
    needed = set().union(*(said(name) for name in (*PYTHON, "requirements.txt")))
    assert sorted(needed - CATALOGUE.keys()) == [], "translate them in reference/handout.zh.po"
    assert sorted(CATALOGUE.keys() - needed) == [], "take them out of reference/handout.zh.po"


def test_a_translation_is_chinese_unless_it_has_to_stay_english():
    names = {message for message in CATALOGUE if re.fullmatch(r"(an? )?\w+(-\w+)?\.?|a \w+ or an \w+", message)}
    same = {english for english, chinese in CATALOGUE.items() if not LETTERS.search(chinese)}
    assert same - names == STAY_ENGLISH


def test_a_translation_keeps_the_fields_and_the_number_of_a_task():
    for english, chinese in CATALOGUE.items():
        assert sorted(FIELD.findall(english)) == sorted(FIELD.findall(chinese)), english
        number = re.match(r"\d\.\d: |Task \d\.\d|\n?PYTEST_DONT_REWRITE", english)
        assert number is None or number[0].replace("Task", "任务") in chinese, english


@pytest.mark.parametrize("name", PYTHON)
def test_the_code_is_the_same(name):
    assert CHINESE[name] != ENGLISH[name]
    compile(CHINESE[name], name, "exec")
    assert code(CHINESE[name]) == code(ENGLISH[name])


@pytest.mark.parametrize("name", PYTHON)
def test_pytest_leaves_the_messages_alone_where_it_did(name):
    assert (b"PYTEST_DONT_REWRITE" in CHINESE[name]) == (b"PYTEST_DONT_REWRITE" in ENGLISH[name])


def test_every_task_is_asked_for_in_chinese_under_its_number():
    asked = re.findall(
        r'NotImplementedError\("(\d\.\d): (.*)"\)', b"".join(CHINESE[n] for n in the_lab().scripts).decode()
    )
    assert [number for number, _ in asked] == [task.number for task in the_lab().tasks]
    assert all(LETTERS.search(text) for _, text in asked)


def test_the_instructions_are_the_chinese_ones_with_the_english_ones_beside_them():
    chinese = (REFERENCE / "handout" / "README.zh.md").read_text("utf-8")
    assert CHINESE["README.md"].decode() == chinese.replace("(README.md)", "(README.en.md)")
    assert "[中文](README.md)" in CHINESE["README.en.md"].decode()
    names = ENGLISH.keys() ^ CHINESE.keys()
    assert names == {"README.zh.md", "README.en.md"}
    assert {name.lower() for name in CHINESE if name.startswith("README")} <= set(the_lab().handout)


def test_a_comment_a_docstring_and_a_sentence_are_replaced_and_a_name_is_not():
    source = '''\
        def f(x):  # Two words.
            """Two words."""
            return {"Two": "Two words."}[x]  # noqa: S101
    '''
    made = translate(dedent(source).encode(), {"Two words.": '说 "好" \\ ', "Two": "二", "noqa: S101": "x"}).decode()
    assert made.splitlines()[0] == 'def f(x):  # 说 "好" \\ '
    assert made.splitlines()[2] == '    return {"Two": "说 \\"好\\" \\\\ "}[x]  # noqa: S101'


def test_a_docstring_of_several_lines_keeps_its_indentation():
    made = translate(
        b'class C:\n    """One line.\n\n    Another line.\n    """\n', {"One line.\n\nAnother line.": "一。\n\n二。"}
    )
    assert made.decode() == 'class C:\n    """一。\n\n    二。\n    """\n'


def test_the_fields_of_a_sentence_may_change_places_and_a_long_one_is_broken_between_words():
    source = b'x = (\n    f"From {a[\'one\']:.2f} to"\n    f" {b!r} {{here}}."\n)\n'
    chinese = "到 {b!r} 从 {a['one']:.2f} {{这里}}" + "，很长" * 30 + "model.eval()" * 5
    made = translate(source, {"From {a['one']:.2f} to {b!r} {{here}}.": chinese}).decode()
    a, b = {"one": 1.5}, "two"
    scope = {"a": a, "b": b}
    exec(made, scope)
    assert scope["x"] == f"到 {b!r} 从 {a['one']:.2f} {{这里}}" + "，很长" * 30 + "model.eval()" * 5
    assert made.count("\n") > 3
    assert "model.eval()" * 5 in made


def run_public_tests(warm: Warm, folder: Path, lab: Path) -> str:
    for name, content in CHINESE.items():
        if name.startswith("tests/"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
    environment = {**os.environ, "LAB_FOLDER": str(lab), "PYTHONDONTWRITEBYTECODE": "1"}
    options = ["-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={folder}"]
    return warm.run(["-m", "pytest", *options, str(folder / "tests")], folder, environment).stdout


def test_the_solved_lab_passes_the_chinese_public_tests(tmp_path, warm):
    said = run_public_tests(warm, tmp_path, REFERENCE)
    assert re.findall(r"^(\d\.\d) \w+：通过$", said, re.MULTILINE) == [task.number for task in the_lab().tasks]


def test_a_mistake_is_named_in_chinese_and_a_task_that_is_open_too(tmp_path, warm):
    lab = tmp_path / "lab"
    lab.mkdir()
    for name in (*the_lab().scripts, *the_lab().given):
        (lab / name).write_bytes(CHINESE[name])
    script = (lab / "exp2.py").read_text("utf-8")
    stub = re.search(r' *raise NotImplementedError\("2\.2: .*\n', script)
    assert stub
    (lab / "exp2.py").write_text(script.replace(stub[0], "    return 0.1\n"), "utf-8")
    said = run_public_tests(warm, tmp_path, lab)
    assert "学习率始终不变。" in said
    assert "2.2 learning_rate：还不对，见上面的说明：" in said
    assert re.search(r"1\.2 own_function：还没有写（NotImplementedError: 1\.2: 用 torch 的函数写一个你自己的函数", said)


def test_the_help_and_the_errors_of_a_script_are_chinese(tmp_path, warm):
    for name in ("exp1.py", "lab.py"):
        (tmp_path / name).write_bytes(CHINESE[name])
    for argument, sentence in (("--help", "用一个小网络拟合函数"), ("--epochs=0", "“0”不是正整数")):
        done = warm.run(["exp1.py", argument], tmp_path, os.environ)
        assert sentence in done.stdout + done.stderr


@pytest.mark.parametrize(("language", "readme"), [("zh", "# 实验："), ("en", "# Lab:")])
def test_the_command_writes_the_template_in_the_language_that_it_is_asked_for(tmp_path, language, readme):
    done = CliRunner().invoke(cli, ["template", str(tmp_path / "lab"), "--lang", language])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "lab" / "README.md").read_text("utf-8").startswith(readme)
    expected = CHINESE if language == "zh" else ENGLISH
    assert (tmp_path / "lab" / "exp2.py").read_bytes() == expected["exp2.py"]
