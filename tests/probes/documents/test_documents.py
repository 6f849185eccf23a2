"""The lines of documents."""

from grader.probes.documents.documents import lines


def shown(page):
    return [line.text for line in lines("onlinetext.html", page.encode())]


def test_a_page_is_read_as_a_browser_shows_it():
    page = "<html><head><title>x</title></head><body><p>Accuracy on the test&nbsp;set:\n<b>84.6</b> %</p>a &lt; b<br>c"
    assert shown(page) == ["Accuracy on the test\xa0set: 84.6 %", "a < b", "c"]


def test_what_a_page_does_not_show_is_not_read():
    assert shown("<p>a<!-- 99.9 % --><script>var b = '<p>95 %</p>';</script><style>p {}</style>b") == ["ab"]


def test_what_only_looks_like_a_tag_is_text():
    assert shown("loss < 0.3 and acc > 0.9") == ["loss < 0.3 and acc > 0.9"]
