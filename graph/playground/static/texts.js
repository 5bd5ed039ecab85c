// Everything the page says, in Chinese and in English, and which of the two is spoken.

const TEXTS = {
  zh: {
    skip: "跳到输入框",
    tagline: "听出顾客的情绪，用最贴切的一句话回应",
    tools: "页面工具",
    api: "接口",
    theme: "切换深色或浅色",
    language: "语言",
    chat: "对话",
    restart: "新对话",
    log: "对话内容",
    hello: "像顾客那样说一句话",
    invite: "着急、委屈、生气、失望、感谢……听得出情绪，就给一句写好的安慰；听不出，就交还给店铺原来的机器人。",
    examples: "例句",
    sentence: "顾客说的话",
    placeholder: "输入顾客的一句话……",
    send: "发送",
    keys: "回车发送，Shift + 回车换行",
    why: "为什么这样答",
    back: "回到对话",
    thinking: "正在想……",
    calm: "没有听出需要安慰的情绪，交还给店铺原来的机器人。",
    you: "顾客：",
    reply: "回复：",
    show: "看原因",
    rate: "满意吗？",
    rates: { 1: "很满意", 2: "一般", 3: "不满意" },
    rated: "谢谢，已记下。",
    unrated: "谢谢您的心意；这个服务暂时没有记录评价。",
    lost: "连不上服务，请稍后再试。",
    refused: (status, detail) => `没有得到回答（${status}）。${detail}`,
    strategies: { knowledge: "对症的知识", emotion_topic: "情绪 + 主题", emotion: "只看情绪", none: "交还" },
    intro: "每句话都走同一张图：先听情绪；有情绪，再同时认主题、找知识；最后用最有把握、最贴切的那一句。",
    counts: { knowledge: "条知识", surfaces: "种问法", replies: "条回复", emotions: "种情绪", topics: "个主题" },
    decision: "怎么决定的",
    path: "走过的路",
    total: (time) => `共 ${time}`,
    nodes: { text: "句子", emotion: "情绪", topic: "主题", recall: "召回", rerank: "重排", reply: "回复" },
    skipped: "没有问",
    cached: "刚问过",
    understudies: {
      emotion: "词典", topic: "缺席", recall: "缺席", rerank: "WSM", "recall.lucene": "向量", "recall.dense": "Lucene",
    },
    degraded: (who) => `有节点没有亲自回答，由替补代劳：${who}`,
    deadline: "时间到了",
    emotion: "情绪",
    topic: "主题",
    untold: "没有问到这一步。",
    more: (count) => `其余 ${count} 项`,
    threshold: (value) => `门槛 ${value}`,
    candidates: "候选知识",
    columns: { question: "知识里的问题", bm25: "BM25", dense: "向量", fused: "融合", similarity: "相似度" },
    chosen: "选中",
    thresholds: "门槛",
    thresholdNames: { emotion: "情绪", topic: "主题", match: "相似度", lexicon: "情绪词典", wsm: "WSM" },
    details: "原始回答",
    words: "分词",
    session: "会话",
    used: "采用", passed: "通过", failed: "没过", idle: "不需要",
    steps: {
      emotion: "听情绪", knowledge: "找对症的知识", emotion_topic: "看情绪和主题", emotion_only: "只看情绪", none: "交还",
    },
    felt: (name, value, any, limit) => `有情绪 ${any}，高于门槛 ${limit}；最像${name} ${value}`,
    unfelt: (name, value, any, limit) => `有情绪 ${any}，没有高过门槛 ${limit}；最像${name} ${value}`,
    above: (name, value, limit) => `${name} ${value}，高于门槛 ${limit}`,
    below: (name, value, limit) => `${name} ${value}，没有高过门槛 ${limit}`,
    plain: (value) => `平常的话（${value}），没有需要安慰的情绪`,
    silent: "没有认出情绪",
    nothing: "没有找到候选",
    similar: (value, limit) => `最像的一条相似度 ${value}，高于门槛 ${limit}`,
    unlike: (value, limit) => `最像的一条相似度 ${value}，没有高过门槛 ${limit}`,
    unfit: "有够像的，但情绪或主题不合，跳过",
    topicless: (value) => `不属于已知的主题（${value}）`,
    pair: "这个情绪和主题还没有写好的回复",
    general: "用这种情绪的通用回复",
    unneeded: "前面已经有了更贴切的",
    control: "对照组的会话：听出了情绪，但不安慰，由店铺原来的机器人接着答",
    withheld: "对照组，不安慰",
    unasked: "没有情绪，不再往下问",
    away: "节点没有回答",
    ordinary: "由店铺原来的机器人接着答",
  },
  en: {
    skip: "Skip to the input",
    tagline: "Hears a customer’s emotion and answers with the most fitting words",
    tools: "Page tools",
    api: "API",
    theme: "Switch between dark and light",
    language: "Language",
    chat: "Conversation",
    restart: "New conversation",
    log: "Conversation",
    hello: "Say something a customer would say",
    invite: "Anxious, aggrieved, angry, disappointed, grateful … an emotional sentence gets a written, comforting reply; " +
      "a plain one goes back to the shop’s ordinary bot. Customers and replies speak Chinese.",
    examples: "Examples",
    sentence: "The customer’s sentence",
    placeholder: "A sentence in Chinese …",
    send: "Send",
    keys: "Enter sends, Shift + Enter makes a new line",
    why: "Why this answer",
    back: "Back to the conversation",
    thinking: "Thinking …",
    calm: "No emotion that asks for comfort; the shop’s ordinary bot goes on.",
    you: "Customer: ",
    reply: "Reply: ",
    show: "Show why",
    rate: "Satisfied?",
    rates: { 1: "Very satisfied", 2: "So-so", 3: "Unsatisfied" },
    rated: "Thank you, noted.",
    unrated: "Thank you; this service does not record ratings at the moment.",
    lost: "The service cannot be reached; please try again later.",
    refused: (status, detail) => `No answer (${status}). ${detail}`,
    strategies: { knowledge: "Knowledge", emotion_topic: "Emotion + topic", emotion: "Emotion", none: "Handed back" },
    intro: "Every sentence takes the same graph: first its emotion; if there is one, its topic and similar knowledge at " +
      "the same time; then the most specific reply that is sure.",
    counts: {
      knowledge: "pieces of knowledge", surfaces: "wordings", replies: "replies", emotions: "emotions", topics: "topics",
    },
    decision: "How it was decided",
    path: "Path through the graph",
    total: (time) => `${time} in all`,
    nodes: { text: "Sentence", emotion: "Emotion", topic: "Topic", recall: "Recall", rerank: "Rerank", reply: "Reply" },
    skipped: "not asked",
    cached: "remembered",
    understudies: {
      emotion: "lexicon", topic: "none", recall: "none", rerank: "WSM", "recall.lucene": "vectors", "recall.dense": "Lucene",
    },
    degraded: (who) => `Not every node answered itself; who stood in: ${who}`,
    deadline: "out of time",
    emotion: "Emotion",
    topic: "Topic",
    untold: "Not asked for this sentence.",
    more: (count) => `${count} more`,
    threshold: (value) => `threshold ${value}`,
    candidates: "Candidates",
    columns: { question: "Question in the knowledge", bm25: "BM25", dense: "Vector", fused: "Fused", similarity: "Similarity" },
    chosen: "chosen",
    thresholds: "Thresholds",
    thresholdNames: { emotion: "Emotion", topic: "Topic", match: "Similarity", lexicon: "Lexicon", wsm: "WSM" },
    details: "Raw answer",
    words: "Words",
    session: "Session",
    used: "used", passed: "passed", failed: "not passed", idle: "not needed",
    steps: {
      emotion: "Hear the emotion", knowledge: "Find knowledge", emotion_topic: "Emotion and topic",
      emotion_only: "Emotion alone", none: "Hand back",
    },
    felt: (name, value, any, limit) => `An emotion ${any}, above the threshold ${limit}; most likely ${name} ${value}`,
    unfelt: (name, value, any, limit) => `An emotion ${any}, not above the threshold ${limit}; most likely ${name} ${value}`,
    above: (name, value, limit) => `${name} ${value}, above the threshold ${limit}`,
    below: (name, value, limit) => `${name} ${value}, not above the threshold ${limit}`,
    plain: (value) => `A plain sentence (${value}): no emotion that asks for comfort`,
    silent: "No emotion recognised",
    nothing: "No candidates found",
    similar: (value, limit) => `The most similar has ${value}, above the threshold ${limit}`,
    unlike: (value, limit) => `The most similar has ${value}, not above the threshold ${limit}`,
    unfit: "Similar enough, but of another emotion or topic: passed over",
    topicless: (value) => `Of no known topic (${value})`,
    pair: "No reply is written for this emotion and topic",
    general: "A general reply for this emotion",
    unneeded: "A more specific reply was found before",
    control: "A session of the control group: not comforted, the shop’s ordinary bot answers",
    withheld: "Control group, not comforted",
    unasked: "No emotion, so nothing more is asked",
    away: "The node did not answer",
    ordinary: "The shop’s ordinary bot answers",
  },
};

/** Sentences to begin with, and what they mean in English. */
export const EXAMPLES = [
  ["卖家一直不发货，我急死了，等着送人呢", "Still not shipped, I’m desperate, it’s a present"],
  ["明明不是我弄坏的，凭什么让我出运费，太委屈了", "I didn’t break it, why must I pay the return? So unfair"],
  ["太感谢了，客服小姐姐特别耐心", "Thank you so much, the agent was so patient"],
  ["这件有蓝色的吗", "Does this come in blue?"],
  ["钱莫名其妙被扣了三百，是不是被盗刷了，我好害怕", "300 yuan simply gone, was my card stolen? I’m scared"],
  ["冲着牌子买的鞋，半个月鞋底就掉了，再也不信你们了", "Bought for the brand, fell apart in two weeks. Never again"],
];

let language = "zh";

/** Which language is spoken. */
export function spoken() {
  return language;
}

/** Speak `name` from now on, and say so to the browser. */
export function speak(name) {
  language = name in TEXTS ? name : "en";
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
}

/** The texts of the spoken language. */
export function texts() {
  return TEXTS[language];
}

/** A label's name: its Chinese one as the service says it, or its id as English words. */
export function named(id, chinese) {
  if (language === "zh") return chinese?.[id] ?? (id === "other" ? "其他" : id);
  const words = id.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A probability as a percentage. */
export function percent(value) {
  return `${(value * 100).toFixed(1)}%`;
}

/** Milliseconds, with a decimal only where it says something. */
export function milliseconds(value) {
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ms`;
}

/** Put the texts into every element of the page that names one. */
export function label() {
  const said = texts();
  for (const [attribute, set] of [
    ["text", (target, text) => { target.textContent = text; }],
    ["label", (target, text) => target.setAttribute("aria-label", text)],
    ["placeholder", (target, text) => target.setAttribute("placeholder", text)],
  ]) {
    for (const target of document.querySelectorAll(`[data-${attribute}]`)) set(target, said[target.dataset[attribute]]);
  }
}
