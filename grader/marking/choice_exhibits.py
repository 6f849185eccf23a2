"""Shows how the normalisation was chosen, where the code does not say which one it is."""

from __future__ import annotations

from grader.evidence import PreprocessingChoice
from grader.evidence.wording import said as worded
from grader.labs import the_lab
from grader.measures.choice import choose
from grader.records import Message, Table, message


def chosen_by_measurement(choice: PreprocessingChoice) -> Message:
    """Say what was chosen, among how many, and whether it is clear that this is the right one."""
    candidate, clear = choose(choice)
    values = {
        "name": worded(candidate.name), "candidates": len(choice.candidates), "count": choice.count,
        "share": candidate.correct / choice.count,
    }  # fmt: skip
    if clear:
        return message(
            "The code does not say with certainty how test images are normalised. Chosen by measurement among"
            " {candidates} normalisations: {name}. With it, the weights classify {share:.1%} of {count:,} training"
            " images correctly.",
            **values,
        )
    return message(
        "The code does not say with certainty how test images are normalised. Chosen by measurement among"
        " {candidates} normalisations: {name}. With it, the weights classify {share:.1%} of {count:,} training images"
        " correctly, but no normalisation is better than all others beyond chance. Pass the transform that you trained"
        " with to the test set in {training_script}.",
        **values,
        training_script=the_lab().training_script,
    )


def choice_table(choice: PreprocessingChoice) -> Table:
    """Show what each candidate does on the training images."""
    used = choose(choice).candidate
    rows = tuple(
        (
            worded(one.name),
            f"{one.correct:,}",
            f"{one.correct / choice.count:.2%}",
            message("{best:,} against {this:,}", best=one.only_best, this=one.only_this),
            message("used") if one is used else None,
        )
        for one in choice.candidates
    )
    columns = (
        message("Normalisation"), message("Correct"), message("Share"),
        message("Only the best is right, only this one"), message("Choice"),
    )  # fmt: skip
    title = message("The normalisation was chosen by measurement on {count:,} training images", count=choice.count)
    return Table(title, columns, rows)
