"""The vocabulary in which accuracies are stated, in English and Chinese: each kind of word, and the words of that kind.

A word that stands in no list is unknown, and a claim that contains it on its way to the number is not certain.
"""

from __future__ import annotations

from typing import Final

LONGEST_PHRASE: Final = 6  # words and hyphens
LONGEST_CHINESE: Final = 6  # characters

# "_" joins the words of a phrase.
_KINDS: Final[dict[str, str]] = {
    # what is measured
    "accuracy": """accuracy accuracies acc accs correct correctly right top-1 top_1 top1 accurate 准确率 正确率
        精度 精确度 准确度 识别率 准确性 正确 正确分类 分类正确 识别正确 正确识别 预测正确 正确预测 分对 答对""",
    "test": """test testing tests tst test_time_set held_out unseen testset testdata 测试 测试集 测试集合
        测试数据 测试数据集 测试图片 测试图像 测试样本 测试时""",
    "validation": "val valid validation validating dev eval 验证 验证集 验证数据 验证数据集 校验集 开发集",
    "train": "train training trn trainset traindata 训练 训练集 训练数据 训练数据集 训练图片 训练图像 训练样本",
    "final": """最后一轮 last_one best_one final finally best highest max maximum last peak 最终 最后 最佳 最好
        最高 最优 最大 最终的 最佳的 最好的 最高的""",
    "set": """set sets dataset data images image pictures picture photos samples sample examples split partition
        集 数据 图片 图像 样本 数据集 图""",
    # other things that are measured or chosen
    "metric": """loss losses error errors err recall f1 precision prec confidence probability gap difference
        entropy auc kappa map miou likelihood perplexity 损失 误差 错误率 错误 召回率 置信度 查准率 查全率 差距
        差异 差值 方差 标准差 std stddev deviation variance speedup utilisation utilization usage memory
        occupancy sparsity""",
    "setting": """lr learning_rate rate rates dropout drop_rate momentum decay weight_decay gamma smoothing
        epsilon alpha beta temperature factor ratio pruning width height zoom scale size batch_size droprate
        train_test_split test_size 学习率 动量 衰减 权重衰减 权值衰减 丢弃率 丢弃概率 丢弃 概率 比例 批大小
        批量大小 平滑 标签平滑 因子 系数 倍率 剪枝率 剪枝 稀疏度 宽度 高度""",
    "rank": "top-5 top_5 top5 top-3 top3 top_3 top-10 top10 前五 前5",
    "retrieval": """retrieval retrieve retrieved retrieving query queries similarity neighbours neighbors 检索
        以图搜图 查询 相似度 近邻""",
    # whose network
    "own": """we our ours my mine us i this_network this_model this_work this_paper in_this_report i've we've
        the_network the_model its own 我们 我 本文 本实验 本模型 本网络 本次 本人 我的 自己 我组 本组""",
    "other": """paper papers author authors et_al literature published publication publications sota
        state_of_the_art teacher teacher's teachers tutorial leaderboard kaggle classmate classmates classmate's
        friend friend's colleague colleagues student's students group they them their he his she her human
        humans people guessing researchers team winner winners article articles blog website github repository
        repo readme someone others scientists handout instructor supervisor others' 论文 作者 文献 教师 老师
        助教 同学 原文 他人 别人 官方 原作者 教程 网上 排行榜 人类 他们 他 她 其他人 原论文 文中 研究者 学者
        室友 朋友 博客 教师网络 教师模型 瞎猜 猜测 参考文献 人眼 其他组 指导书 讲义""",
    "elsewhere": """imagenet mnist svhn stl-10 stl10 fashion-mnist fashionmnist cifar-100 cifar100 cifar_100
        cinic-10 caltech tiny-imagenet cifar-10-c cifar-10.1 emnist kmnist lfw coco""",
    # one class, or some of the images
    "class": """airplane airplanes aeroplane plane planes automobile automobiles car cars bird birds cat cats
        deer dog dogs frog frogs horse horses ship ships truck trucks per_class per-class class_wise classwise
        each_class every_class class classes category categories animals vehicles animal vehicle 飞机 汽车 轿车
        鸟 鸟类 猫 鹿 狗 青蛙 蛙 马 船 轮船 卡车 类 类别 每类 各类 每个类别 各类别 该类 动物 交通工具 小车 猫类
        狗类""",
    "whole": """all_classes over_all_classes across_all_classes ten_classes all_ten_classes overall whole total
        entire full all_10_classes 10_classes across_classes all classification mean_over_classes classifier
        classifies 总体 整体 全部 所有类 所有类别 全体 十类 十个类别 10类 10个类别 总 所有 分类 分类器 完整 整个""",
    "part": """subset subsets subsample fraction some_of first_thousand minibatch mini-batch 子集 部分 一部分
        抽取 随机抽取 抽样 批次""",
    # what is not stated as a fact
    "if": """分 得分 marks if e_g unless suppose supposing assume assuming in_case for_example e.g. e.g eg
        for_instance until whenever provided wherever imagine 如果 若 假如 假设 倘若 例如 比如 譬如 一旦 只要
        直到 除非 要是 即使 假使 若是""",
    "goal": """stop goal goals aim aimed aiming aims target targets targeted hope hoped hoping hopefully want
        wanted wish expect expected expecting expectation require required requires requirement requirements
        demand demands demanded need needed needs out_of_reach out_of_our_reach out_of_the_question unattainable
        unreachable unrealistic write must should would could might may shall minimum at_least not_less_than
        threshold thresholds plan planned intend intended ought supposed promise promised predict_that future
        next_time passing pass_mark full_marks criterion strive strived wanted_to trying tried try attempt
        attempted asks asked 目标 期望 希望 要求 需要 至少 应 应该 应当 预期 期待 预计 及格 合格 阈值 门槛 不低于
        满分 争取 力争 必须 需 想要 计划 尝试 下一步 未来 今后 以后 打算 标准""",
    "not": """misclassifies misclassified misclassify misclassifying misclassification misclassifications wrong
        wrongly incorrect incorrectly mistaken mistakenly not never no n't don't didn't doesn't isn't wasn't
        cannot can't couldn't won't wouldn't hardly neither nor failed fails fail 分错 错分 误分类 误判 错判 认错
        判错 未 未能 没 没能 不 不能 无法 并非 不是 从未 没有达到""",
    "doubt": """remained remains baseline baselines original reference reported quoted cited random_guessing
        random_guess random_classifier random_weights random_chance random_baseline random_network
        random_predictions random_initialisation random_initialization chance_level without initial initially
        first start started starts starting begin beginning begins early earliest intermediate halfway midway
        previous previously earlier before former old untrained nearly almost close_to can possibly probably maybe
        perhaps estimated estimate seems seem seemed when where stuck stalled stalls stagnates stagnated stays
        stayed warm-up warmup warm_up ensemble ensembles tta test_time_augmentation test-time_augmentation
        pretrained pre-trained pretraining transfer variant variants usually typically often generally each every
        any other another some most lab assignment course task exercise lecture given supposedly loading loaded
        load resuming resumed resume networks nets models cnns batch so_far swa ema fine-tuning finetuning
        fine-tuned finetuned adversarial noisy corrupted quantised quantized pruned distilled intermediate interim
        ablation instead mlp linear knn svm default sometimes single-model claims claim claimed states stated says
        said unlike approached approaching 会 可能 也许 大概是 当 时 初始 之前 以前 原来 一开始 起初 没有 不加
        去掉 去除 接近 将近 相比 对比 集成 预训练 迁移 微调 原始 基线 随机 若干 通常 一般 往往 有时 大多 有些 其他
        另一 每 每个 各 理论 理论上 估计 似乎 看起来 停滞 卡在 首轮 第一轮 刚开始 开始时 以往 旧 之前的 消融 未经
        据 声称 可 可以 能 能够 可达 题目 作业 课程 课上 实验要求""",
    # differences and bounds
    "change": """improve improved improves improving improvement increase increased increases increasing rise
        rises rose risen raise raised raises gain gained gains drop dropped drops dropping decrease decreased
        decreases fall fell falls fallen boost boosted boosts grow grew grows climb climbed climbs lose lost
        loses reduce reduced reduces jump jumped went go goes up down higher lower better worse more less
        greater 提高 提高了 提升 提升了 增加 增加了 增长 增长了 上升 上升了 下降 下降了 降低 降低了 减少 减少了
        好 高 高出 低 多 少 涨 涨了 高了 低了 好了 多了 少了 涨幅 增幅 降幅 改善 改善了 比""",
    "than": """above over below under exceed exceeds exceeded exceeding more_than less_than greater_than
        better_than than higher_than lower_than fewer_than at_most up_to beyond beneath within outperform
        outperforms surpass surpassed surpasses surpassing or_more or_better or_higher or_less or_above points
        percentage_points pp ppt p.p. 超过 超过了 高于 低于 大于 小于 不到 不足 以上 以下 以内 突破 突破了
        不超过 逼近 百分点 个百分点 个点 多个""",
    "between": "between 之间 介于",
    "name": """resnet vgg alexnet lenet densenet mobilenet googlenet wideresnet wrn inception efficientnet vit
        nin""",
    "to": """to 到 至 成 到了 至了 为 达到 达到了 提高到 提升到 提升至 提高至 上升到 上升至 升到 升至 增加到
        增加至 增长到 降到 降至 下降到 下降至""",
    "by": "by",
    "from": "from 从 由",
    "about": "about around approximately approx approx. roughly circa ca ca. 约 大约 约为 大概 左右 约是 近似",
    "respectively": "respectively 分别 依次",
    # what stands between words and numbers
    "link": """is was are were be been being of at reach reached reaches reaching achieve achieved achieves
        achieving get got gets getting obtain obtained obtains attain attained attains score scored scores has
        have had having equals equal yields yielded yield gives gave hit hits came comes amounts amounted as on
        in the a an that which it with arrives arrived arriving ends ended ending in_percent shows show showed
        shown reads percent percentage percentages value values result results resulted resulting rated measured
        measures became becomes become 是 为 达 达到 达到了 达到的 的 了 上 于 在 得 得到 得到了 取得 取得了
        获得 获得了 有 中 里 内 等于 值 值为 结果 结果为 到 也 仅 只有 仅为 就 已 已经 已达 达成 实现 实现了
        收敛到 收敛于 稳定在 稳定 百分比 率 表现 表现为 高达 定格 定格在 停在 停留在""",
    "and": "and but while whereas however though although yet 和 与 以及 并 并且 而 但 但是 然而 同时 且 不过",
    "unit": """epoch epochs step steps iterations iteration its seconds second sec secs s ms min mins minutes
        minute hour hours h days day layers layer parameters params runs run times time k m gb mb kb px x pixels
        gpus gpu cpu workers seeds seed blocks block channels filters weeks ep iter iters fold folds bits flops
        mflops 轮 个 张 次 步 秒 分钟 小时 层 倍 周期 代 行 列 页 天 组 人 幅 枚 轮次 万""",
    # words that say nothing about how certain a claim is
    "known": """fig figure table tab section sec chapter chap stage page line version v equation eq exp part id
        appendix group week 第 表 式 节 章 种子 版本 network networks net model models cnn convnet architecture
        neural convolutional deep convolution trained train_ed after for following during this these those using
        used use uses finished finishing complete completed evaluation evaluated evaluate evaluating performance
        predicted predict predicts prediction predictions classified classify cifar cifar-10 cifar10 new so then
        thus therefore hence now here there also very good great nice pretty reasonable solid respectable
        satisfying decent excellent quickly slowly steadily gradually end optimiser optimizer sgd adam adamw
        cosine schedule scheduler annealing augmentation augmented flip flips crops cutout mixup plateau plain
        batchnorm normalisation normalization regularisation regularization see saved checkpoint weights pth
        file submitted submission experiment experiments report log output lines line's summary conclusion
        evaluator stands stand settled settles converged converges single generalisation generalization
        generalises well names name label labels labelled recognises recognizes recognised recognized identifies
        identified identify recognise recognize answers answered model's network's net's residual simple small
        custom nesterov warm restarts restart onecycle one-cycle one_cycle step_decay milestones chosen selected
        into out cross device cuda recipe current updated new_best record printed print prints test's same again
        still even just only exactly precisely successfully remarkable impressive both together set's adding
        applying enabling switching changing tensor item main info because since due thanks eventually
        ultimately altogether random lift lifts lifted push pushed pushes bring brings brought able can_be_seen
        as_can_be_seen stops stopped level levels levelled off saturates saturated flattens flattened lands
        landed lies sits e i_e checkpoints once end_up ended_up ends_up took takes which used_up time 拿到
        拿到了 拿下 用时 耗时 历时 此时 时间 时长 这时 模型 网络 神经网络 卷积 卷积神经网络 残差 残差网络 深度
        训练后 训练完成 训练结束 训练完 训练得到 完成 结束 经过 之后 后 通过 使用 采用 利用 用 数据增强 余弦
        退火 优化器 优化 调整 调参 改进 显示 表明 如下 如图 所示 可见 可以看出 可以看到 看到 看出 因此 所以 这
        该 此 这个 它 其 共 其中 进行 评估 评测 测得 测出 性能 效果 表现出 较好 很好 不错 良好 良好的 进一步 仍
        还 又 再 将 把 对 从而 最终模型 最终网络 个epoch 迭代 图中 表中 输出 打印 日志 报告 实验 本 本实验中
        数据集上 上的 分类任务 任务 训练好 训练好的 保存 保存的 权重 参数 提交 提交的 结果表明 结果显示 最终结果
        随着 逐渐 逐步 不断 下 以 加入 使得 使 让 批归一化 归一化 正则化 新 刚好 恰好 正好 泛化 能力 设备 每张
        上达到 同样 依然 一共 总共 达到最高 出现 出现在 来 时候 上面 整个训练 说明 收敛 收敛后 之 我们的 名 识别
        预测 被 出 全""",
}  # fmt: skip


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _entries() -> dict[str, str]:
    return {phrase.replace("_", " "): kind for kind, words in reversed(_KINDS.items()) for phrase in words.split()}


KIND_OF: Final[dict[str, str]] = _entries()  # a word in several lists is of the first kind
FIRST_WORDS: Final = frozenset(phrase.partition(" ")[0] for phrase in KIND_OF if " " in phrase)
WORTH_READING: Final = r"acc|correct|right|test|准确|正确|精度|精确|识别率|测试|分对|答对"

# What stands before the number of a thing: epoch 17, Table 2.
NUMBERED: Final = _words("""
    epoch epochs ep step iteration iter seed fig figure table tab section sec chapter chap run batch stage page line
    version v equation eq exp experiment exercise no part layer block lab week group id fold appendix
    第 图 表 式 节 章 种子 版本""")
# Verbs that say what a network does, and all that say that something is so.
REACHED: Final = _words("""
    reach reached reaches achieve achieved achieves get got gets obtain obtained obtains attain attained attains score
    scored scores has have had classifies classified recognises recognized identifies names predicts hit hits gave gives
    达到 达到了 达 取得 取得了 获得 获得了 得到 得到了""")
ASSERTS: Final = REACHED | _words("is was are were reads equals became came ended improved rose 为 是 有")
CONTRASTS: Final = _words("but however though yet whereas while actually 但 但是 然而 不过 而 实际")

# What makes a figure one among several, or one of a changed network.
SPELT: Final = _words("one two three four five six seven eight nine ten eleven twelve i ii iii iv")
ORDINALS: Final = _words("second third fourth fifth sixth seventh eighth ninth tenth two-stage halfway midway")
ONE_OF_SEVERAL: Final = _words("""
    run trial experiment exp network model net cnn version v fold seed stage phase week day attempt try variant
    configuration config setup setting split member round checkpoint part option architecture classifier candidate
    method approach scenario case condition snapshot generation series rep repetition replica exercise rank
    实验 模型 网络 版本 种子 方案 配置""")
MANY: Final = _words(
    "runs seeds folds trials versions experiments attempts repetitions variants splits trainings members"
)
TAKEN_AWAY: Final = _words("""
    off disabled disable disables disabling deactivated deactivating removed remove removing removal deleted delete
    deleting deletion omitted omit omitting skipping skipped dropping excluding excluded ablated noise noises attack
    attacks attacked fgsm pgd bug bugs buggy broken mistake half quarter pruning pruned quantisation quantization
    quantising quantizing quantize int8 int4 fp16 bf16 float16 blur blurred blurring rotated rotating rotation occluded
    occlusion corrupted corruption corruptions jpeg perturbation perturbations perturbed greyscale grayscale shuffled
    mislabelled mislabeled imbalanced halved halving doubled doubling smaller larger bigger wider deeper shallower
    shallow narrower tiny small large big plain vanilla naive simple reduced fewer replaced replacing replace swapping
    swapped frozen freezing torchvision timm hub overfitted overfitting darkened brightened resized cropping
    untrained shorter longer grey gray monochrome bit bits inverted
    compressed binarised binarized student students crashed interrupted aborted cancelled""")
WITH: Final = _words("""
    with using adding applying enabling switching changing under without via setting increasing reducing decreasing
    raising lowering choosing selecting replacing employing per against""")
TECHNIQUES: Final = _words("""
    augmentation augmentations augmented augmenting dropout batchnorm normalisation normalization regularisation
    regularization sgd adam adamw cosine annealing schedule scheduler scheduling warmup cutout mixup smoothing momentum
    nesterov flips crops cropping flipping restarts 数据增强 增强 余弦退火 批归一化""")
OPENINGS: Final = _words("in on at by for from under through during upon trained tested evaluated given despite of")
TESTS: Final = _words("test testing tests evaluate evaluating evaluation results result")
FROM_NOW_ON: Final = _words("""
    pretrained pre-trained hub torchvision timm fgsm pgd attack noise noisy pruned pruning quantised quantized int8
    ablation corrupted subset retrieval imagenet teacher baseline cifar-100 cifar100 mnist""")
FAMILIES: Final = (
    "vgg", "alexnet", "densenet", "mobilenet", "googlenet", "inception", "efficientnet", "vit", "shufflenet",
)  # fmt: skip
DOWNWARD: Final = _words("""
    drop drops dropped dropping fall falls fell fallen decrease decreases decreased decline declines declined sinks sank
    sunk degrades degraded collapses collapsed suffers worsened worsens lower worse""")
EPOCHS: Final = _words("epoch epochs ep step iter iteration 轮")
DURATIONS: Final = _words("second seconds minute minutes min mins hour hours h day days night")
NETWORKS: Final = _words("network model net cnn classifier resnet architecture")
REPEATED: Final = _words("run trial fold model network net cnn split candidate variant attempt config repetition")
