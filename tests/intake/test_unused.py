"""Files without a part in grading are named, so that work among them is seen."""


def notes(submission):
    return [note.english() for note in submission.notes]


def test_what_no_criterion_looks_at_is_listed_once_with_its_size(opened):
    submission = opened({"exp2.py": b"", "weights.npy": b"x" * 600_000, "notes.xyz": b"x" * 400_000})
    assert notes(submission) == ["Files without a part in grading (2, 1.0 MB): notes.xyz, weights.npy."]


def test_archives_that_stayed_closed_are_named_first(opened, zip_of, part):
    submission = opened({"exp2.py": b"", "old/backup.zip": zip_of(part(b"exp2.py", b"")), "a.xyz": b""})
    first, second = notes(submission)
    assert "not opened (1, 0.0 MB): old/backup.zip. If work" in first
    assert "a.xyz" in second


def test_many_files_of_a_folder_are_one_and_many_names_are_cut(opened):
    content = {f"figures/{number}.png": b"" for number in range(50)} | {f"{number}.xyz": b"" for number in range(30)}
    (note,) = notes(opened({"exp2.py": b""} | content))
    assert "figures/ (50)" in note
    assert note.startswith("Files without a part in grading (80, 0.0 MB): figures/ (50), 0.xyz, ")
    assert note.endswith(", ....")
    assert len(note) < 300


def test_what_has_a_part_or_comes_from_the_lab_is_not_listed(opened):
    names = [
        *("exp2.py", "models.py", "final.pth", "history.json", "retrieval.json", "report.pdf", "features.npz"),
        *("readme.md", "pretrain_model.pth", "requirements.txt", "library/cat/1.jpg", "queries/cat.PNG", "a.ipynb"),
    ]
    assert notes(opened(dict.fromkeys(names, b"x"))) == []


def test_pictures_outside_the_library_are_listed(opened):
    (note,) = notes(opened({"exp2.py": b"", "my pictures/cat.jpg": b"x"}))
    assert "my pictures/cat.jpg" in note
