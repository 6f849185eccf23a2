"""Moodle: the grading worksheet in several languages, and the zip with the students' pages."""

from __future__ import annotations

import csv
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.gradebook.exports import Exported
from grader.gradebook.tables.moodle import HEADINGS, headings
from grader.records import Grade, Student, same
from grader.records.errors import BadLab

Run, Said, Store = Callable[..., Exported], Callable[[Exported], list[str]], Callable[..., Grade]

SHEET = (
    "Identifier,\"Full name\",\"ID number\",\"Email address\",Status,Grade,\"Maximum grade\",\"Grade can be changed\","
    "\"Last modified (submission)\",\"Last modified (grade)\",\"Feedback comments\"\n"
    "\"Participant 12345\",\"Ada Ng\",m1,ada@uni.example,Submitted,,100.00,Yes,\"Monday, 2 March 2026, 2:00 PM\",-,\n"
    "\"Participant 222\",\"Ben Okafor\",m2,ben@uni.example,Submitted,-,100.00,Yes,-,-,\"see me\"\n"
    "\"Participant 333\",\"Cleo Díaz\",m3,cleo@uni.example,\"No submission\",,100.00,Yes,-,-,\n"
)  # fmt: skip


@pytest.fixture
def worksheet(tmp_path: Path) -> Path:
    path = tmp_path / "Grades-Lab5.csv"
    path.write_bytes(SHEET.encode())
    return path


def rows(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def test_marks_and_comments_are_filled_in_and_all_else_stays(run: Run, stored: Store, worksheet: Path) -> None:
    stored(Student("Ada Ng", "12345", "moodle"), 0.5)
    stored(Student("somebody", email="BEN@uni.example"), 0.25)
    done = run("moodle", into=worksheet)
    filled = rows(worksheet.with_name("Grades-Lab5.graded.csv"))
    assert [row["Grade"] for row in filled] == ["55", "32.5", ""]
    assert filled[0]["Feedback comments"].startswith("55 of 100 points.<br>All required files are there. 10 of 10<br>")
    assert filled[1]["Feedback comments"] == "see me"
    kept = [{key: row[key] for key in row if key not in ("Grade", "Feedback comments")} for row in filled]
    before = rows(worksheet)
    assert kept == [{key: row[key] for key in row if key not in ("Grade", "Feedback comments")} for row in before]
    assert worksheet.read_bytes() == SHEET.encode()
    assert not done.needs_human


def test_a_participant_decides_then_the_address_then_the_number_then_the_name(
    run: Run, stored: Store, worksheet: Path
) -> None:
    stored(Student("Ben Okafor", "12345", "moodle", "cleo@uni.example"), 0.1)
    stored(Student("x", "m2", "gradescope"), 0.2)
    stored(Student("CLEO DÍAZ"), 0.3)
    run("moodle", into=worksheet)
    assert [row["Grade"] for row in rows(worksheet.with_name("Grades-Lab5.graded.csv"))] == ["19", "28", "37"]


def test_a_participant_who_is_not_in_the_worksheet_is_never_filled_by_name(
    run: Run, stored: Store, worksheet: Path, said: Said
) -> None:
    stored(Student("Ada Ng", "99999", "moodle"), 0.1)
    done = run("moodle", into=worksheet)
    assert any(line.startswith("No row for: Ada Ng (99999)") for line in said(done))
    assert "rows filled: 0" in " ".join(said(done))


@pytest.mark.parametrize(
    "heading",
    [
        "标识符,全名,邮箱地址,状态,成绩,最高分,允许更改成绩,上次修改（作业）,上次修改（评分）,评语反馈",
        "识别码,姓名,电子邮件地址,状态,成绩,最高成绩,允许更改成绩,最后修改（学生）,最后修改（教师）,评语反馈",
        "識別碼,全名,電子郵件信箱,狀態,成績,最高分數,x,y,z,回饋評語",
        "ID,Vollständiger Name,E-Mail-Adresse,Status,Bewertung,Maximale Bewertung,x,y,z,Feedback als Kommentar",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_headings_are_known_in_other_languages(
    run: Run, stored: Store, worksheet: Path, heading: str, encoding: str
) -> None:
    text = f"{heading}\n参与人12345,吴雅达,a@b.example,已提交,,100.00,是,-,-,\n"
    worksheet.write_bytes(text.encode(encoding))
    stored(Student("吴雅达"), 0.5)
    run("moodle", into=worksheet)
    filled = list(rows(worksheet.with_name("Grades-Lab5.graded.csv"), encoding)[0].values())
    assert filled[:6] == ["参与人12345", "吴雅达", "a@b.example", "已提交", "55", "100.00"]
    assert filled[-1].startswith("55 of 100 points.")


# Language; identifier's heading and word; name, address, status, grade, maximum, "can be changed", two times, comments.
WORKSHEETS = {
    "English": "Identifier|Participant |Full name|Email address|Status|Grade|Maximum grade|Grade can be changed|"
    "Last modified (submission)|Last modified (grade)|Feedback comments",
    "German": "ID|Teilnehmer/in|Vollständiger Name|E-Mail-Adresse|Status|Bewertung|Bestwertung|"
    "Bewertung kann geändert werden|Zuletzt geändert (Abgabe)|Zuletzt geändert (Bewertung)|Feedback als Kommentar",
    "French": "Identifiant|Participant |Nom complet|Adresse de courriel|Statut|Note|Note maximale|"
    "La note peut être modifiée|Dernière modification (travail remis)|Dernière modification (note)|"
    "Feedback par commentaires",
    "Spanish": "Identificador|Participante|Nombre completo|Dirección de correo|Estado|Calificación|Calificación máxima|"
    "La calificación puede ser cambiada|Última modificación (entrega)|Última modificación (calificación)|"
    "Comentarios de retroalimentación",
    "Italian": "Identificativo|Partecipante|Nome completo|Indirizzo email|Stato|Valutazione|Valutazione massima|"
    "La valutazione può essere cambiata|Ultima modifica (consegna)|Ultima modifica (valutazione)|Commenti",
    "Portuguese": "Identificador|Participante|Nome completo|Endereço de email|Estado|Nota|Nota máxima|"
    "A nota pode ser alterada|Última modificação (envio)|Última modificação (nota)|Comentários de feedback",
    "Japanese": "識別子|参加者|フルネーム|メールアドレス|ステータス|評点|最大評点|評点の変更可|最終更新日時 (提出)|"
    "最終更新日時 (評点)|フィードバックコメント",
    "Russian": "Идентификатор|Участник|Полное имя|Адрес электронной почты|Состояние|Оценка|Максимальная оценка|x|y|z|"
    "Отзыв в виде комментария",
    "Polish": "Identyfikator|Uczestnik|Imię i nazwisko|E-mail|Status|Ocena|Maksymalna ocena|x|y|z|Komentarz zwrotny",
    "Arabic": "المعرف|مشارك|الاسم الكامل|البريد|الحالة|الدرجة|أقصى علامة|x|y|z|تعليقات الإفادة",
    "Turkish": "Kimlik|Katılımcı|Adı soyadı|E-posta|Durum|Not|Maksimum not|x|y|z|Geri bildirim yorumları",
    "an unknown one": "ID|n° |Full name|Email|Status|Grade|Maximum|x|y|z|Comments",
}


@pytest.mark.parametrize("language", WORKSHEETS)
@pytest.mark.parametrize("most", ["20.00", "20,00"])
def test_grade_maximum_and_comments_are_found_in_every_language(
    run: Run, stored: Store, worksheet: Path, said: Said, language: str, most: str
) -> None:
    identifier, word, *others = WORKSHEETS[language].split("|")
    cells = [f"{word}12345", "Ada Ng", "ada@uni.example", "?", "", most, "?", "-", "-", ""]
    unfinished = [f"{word}222", "Ben", "ben@uni.example", "?", "", most, "?", "-", "-", ""]
    table = ((identifier, *others), cells, unfinished)
    worksheet.write_text("".join(";".join(row) + "\n" for row in table), "utf-8")
    stored(Student("A. Ng", email="ada@uni.example"), 0.5)
    done = run("moodle", into=worksheet)
    with worksheet.with_name("Grades-Lab5.graded.csv").open(encoding="utf-8", newline="") as file:
        _, ada, ben = csv.reader(file, delimiter=";")
    assert (ada[:4], ada[4], ada[5:9]) == (cells[:4], "55", cells[5:9])
    assert ada[9].startswith("55 of 100 points.")
    assert ben == unfinished
    assert any("has a maximum of 20 points, the rubric 100" in line for line in said(done))


def test_a_last_column_that_holds_times_gets_no_comment_and_the_instructor_is_told(
    run: Run, stored: Store, worksheet: Path, said: Said
) -> None:
    heading = "Auðkenni,Nafn,Einkunn,Hámark,Má breyta,Umsögn,Síðast breytt (einkunn)"
    worksheet.write_text(f"{heading}\nNr 12345,Ada Ng,,100,já,,-\nNr 222,Ben,,100,já,,mánudagur\n", "utf-8")
    stored(Student("Ada Ng"), 0.5)
    done = run("moodle", into=worksheet, column="3")
    lines = worksheet.with_name("Grades-Lab5.graded.csv").read_text("utf-8").splitlines()
    assert lines[1] == "Nr 12345,Ada Ng,55,100,já,,-"
    assert any("only points were filled in. If it has one, name it with --comments" in line for line in said(done))
    for named in ("6", "umsögn"):
        run("moodle", into=worksheet, column="3", comments=named)
        lines = worksheet.with_name("Grades-Lab5.graded.csv").read_text("utf-8").splitlines()
        assert "Nr 12345,Ada Ng,55,100,já,55 of 100 points." in lines[1]


def test_the_headings_are_words_of_one_meaning_each() -> None:
    meanings = ("grade", "maximum", "name", "number", "comments")
    known = [(same(heading), meaning) for meaning in meanings for heading in headings(meaning)]
    assert len({heading for heading, _ in known}) == len(set(known))
    assert set().union(*tomllib.loads(HEADINGS.read_text("utf-8")).values()) == set(meanings)


@pytest.mark.parametrize(
    "cell", ["Participant 12345", "Teilnehmer/in12345", "12345 zenbakia", "مشارك 12345", "№ 12345."]
)
def test_the_participants_number_is_read_whatever_the_words_around_it(
    run: Run, stored: Store, worksheet: Path, cell: str
) -> None:
    worksheet.write_bytes(SHEET.replace("Participant 12345", cell).encode())
    stored(Student("nobody of that name", "12345", "moodle"), 0.5)
    run("moodle", into=worksheet)
    assert rows(worksheet.with_name("Grades-Lab5.graded.csv"))[0]["Grade"] == "55"


@pytest.mark.parametrize("cell", ["12345", "Participant", "Participant 12 345", ""])
def test_a_first_cell_that_names_no_participant_is_not_a_worksheets(
    run: Run, stored: Store, worksheet: Path, cell: str
) -> None:
    worksheet.write_bytes(SHEET.replace("Participant 12345", cell).encode())
    stored(Student("Ada"))
    with pytest.raises(BadLab, match="line 2: every line of a Moodle worksheet begins with a participant"):
        run("moodle", into=worksheet)


def test_an_unknown_heading_is_reported_and_can_be_named(run: Run, stored: Store, worksheet: Path) -> None:
    worksheet.write_text("Id,Nafn,Einkunn\nÞátttakandi 12345,Ada,\n", encoding="utf-8")
    stored(Student("Ada Ng", "12345", "moodle"), 0.5)
    with pytest.raises(
        BadLab, match=r'line 1: none of these headings is a known name for the grade column: "Nafn", "Einkunn"'
    ):
        run("moodle", into=worksheet)
    for column in ("Einkunn", "3"):
        run("moodle", into=worksheet, column=column)
        assert worksheet.with_name("Grades-Lab5.graded.csv").read_text("utf-8").endswith("Þátttakandi 12345,Ada,55\n")


def test_a_file_that_is_not_a_worksheet_is_refused_with_its_line(run: Run, stored: Store, worksheet: Path) -> None:
    worksheet.write_bytes(SHEET.replace('"Participant 222"', "Ben").encode())
    stored(Student("Ada"))
    with pytest.raises(BadLab, match=r"Grades-Lab5\.csv, line 3: every line of a Moodle worksheet begins"):
        run("moodle", into=worksheet)


def test_a_maximum_that_moodle_would_not_accept_is_reported(
    run: Run, stored: Store, worksheet: Path, said: Said
) -> None:
    worksheet.write_bytes(SHEET.replace("100.00", "20.00").encode())
    stored(Student("Ada Ng", "12345", "moodle"), 0.5)
    done = run("moodle", into=worksheet)
    assert any("has a maximum of 20 points, the rubric 100" in line for line in said(done))
    assert done.needs_human


def test_the_zip_holds_the_students_page_where_moodle_looks_for_it(run: Run, stored: Store, worksheet: Path) -> None:
    stored(Student("Ada Ng", "12345", "moodle"), 0.5)
    stored(Student("nobody here"), 0.5)
    run("moodle", into=worksheet)
    with zipfile.ZipFile(worksheet.with_name("Grades-Lab5.graded.feedback.zip")) as archive:
        assert archive.namelist() == ["Ada Ng_12345_assignsubmission_file/report.html"]
        page = archive.read(archive.namelist()[0]).decode()
    assert "Ada Ng" in page
    assert "for staff only" not in page  # the page beside the grade is for staff; this one is redrawn


def test_what_is_not_final_is_kept_from_students(run: Run, stored: Store, worksheet: Path) -> None:
    stored(Student("Ada Ng", "12345", "moodle"), None)
    run("moodle", into=worksheet)
    with zipfile.ZipFile(worksheet.with_name("Grades-Lab5.graded.feedback.zip")) as archive:
        assert archive.namelist() == []
    assert worksheet.with_name("Grades-Lab5.graded.csv").read_bytes() == worksheet.read_bytes()


def test_a_worksheet_of_western_windows_keeps_its_encoding_and_says_so(
    run: Run, stored: Store, worksheet: Path, said: Said
) -> None:
    text = (
        "Kennung;Vollständiger Name;Bewertung;Feedback als Kommentar\n"
        "Teilnehmer/in12345;Jörg Müller;;\nTeilnehmer/in222;Käthe Groß;;Größe fehlt\n"
    )
    worksheet.write_bytes(text.encode("cp1252"))
    stored(Student("Jörg Müller"), 0.5)
    done = run("moodle", into=worksheet)
    filled = worksheet.with_name("Grades-Lab5.graded.csv").read_bytes().decode("cp1252")
    assert filled.startswith(text.partition("Jörg Müller;")[0] + "Jörg Müller;55;")
    assert filled.endswith("\nTeilnehmer/in222;Käthe Groß;;Größe fehlt\n")
    assert any("was read as Windows-1252" in line for line in said(done))
    worksheet.write_bytes(text.replace("Groß", "Żak").encode("cp1250"))
    stored(Student("Käthe Żak"), 0.5)
    run("moodle", into=worksheet, encoding="cp1250")
    assert "Käthe Żak;55;" in worksheet.with_name("Grades-Lab5.graded.csv").read_bytes().decode("cp1250")
