"""A whole written report in the manner of the lab's first source, read for its two rankings and nothing else."""

import json
from pathlib import Path

import pytest

from fixtures.reports_of_rankings import printed_log

RUNS = json.loads((Path(__file__).parent / "rankings.json").read_text("utf-8"))

BEFORE = """深度学习课程 第五次作业

1	图像分类	1
1.1	训练过程	2
2	以图搜图	5

1 图像分类

1.1 训练过程

我们在 CIFAR-10 上训练 ResNet20，优化器为 SGD，学习率采用余弦退火（cosine annealing），共 30 轮。

```
Epoch [30/30]
 391/391 [====================>.] | Loss: 0.213 | Acc: 92.61% (46305/50000)
Test accuracy: 90.37 %
```

可见训练集准确率 92.61%，测试集准确率 90.37%，两者相差 2.24 个百分点，top-1 错误率 9.63%。

2 以图搜图

2.1 思路

图库含 10 个类别，每类 5 张。先看 AlexNet 的结构：

```
AlexNet(
  (features): Sequential(
    (0): Conv2d(3, 64, kernel_size=(11, 11), stride=(4, 4), padding=(2,
      ↪ 2))
    (1): ReLU(inplace=True)
  )
  (classifier): Sequential(
    (6): Linear(in_features=4096, out_features=1000, bias=True)
  )
)
```

去掉最后一层，取其前一层的输出作为特征，再比较两个特征的余弦相似度：

```
score = torch.dot(query_features[i], library_features[j])
```

2.2 结果

"""
AFTER = """
2.3 分析

ResNet50 准确率 12%，AlexNet 准确率 10%。如图 3 所示，结果并不理想，原因是权重为随机值。

- [1] A. Author. Searching images, 2023.
"""
BREAKS = ["\n```\n\n9\n\n```\n", "\n```\n\n", "\n \n", "\n\x0c"]


def paged(log):
    """With the ends of pages between its lines, and blanks in front of some."""
    lines = log.splitlines()
    for place in range(11, len(lines), 11):
        lines[place] = BREAKS[place % len(BREAKS)] + lines[place]
    return "\n".join(lines[:40] + [f" {line}" for line in lines[40:60]] + lines[60:])


@pytest.fixture(scope="module")
def report(read_report):
    return read_report(("report.md", BEFORE + paged(printed_log(RUNS).decode()) + AFTER))


def test_two_models_twenty_queries_and_a_hundred_matches_are_read(report):
    assert [(run.model, len(run.queries)) for run in report.runs] == [("resnet50", 10), ("alexnet", 10)]
    read = [[[(m.path, m.score) for m in q.matches] for q in run.queries] for run in report.runs]
    written = [[[("library/" + p, s) for p, s in rows] for rows in run["queries"].values()] for run in RUNS]
    assert read == written
    assert (report.form, report.unread_count) == ("printed log", 0)


def test_the_figures_below_each_ranking_are_its_claims_and_no_others_are(report):
    assert [(run.precision_at_5, run.top1) for run in report.runs] == [(0.12, 0.1), (0.1, 0.1)]


def test_the_metric_is_told_from_the_text_around_and_not_from_the_schedule(report):
    assert [run.metric for run in report.runs] == ["cosine", "cosine"]
