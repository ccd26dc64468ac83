/** What the page says, in Chinese. */

/** @type {import("./en.js").Words} */
export const zh = {
  locale: "zh",

  before: "擦除前",
  after: "擦除后",
  runToCompare: "运行工作流后即可对比。",
  picturesGone: "服务器上已没有这些图像。请重新运行工作流。",
  line: "擦除前与擦除后的分界线",
  enlarged: "擦除前与擦除后（放大）",
  pairs: "批次中的各对图像",
  pair: (number) => `第 ${number} 对`,
  close: "关闭",
  keys: { space: "空格", escape: "Esc", pages: "Page ↑ ↓" },
  keyMoves: "移动分界线",
  keyFlips: "切换前后",
  keyCloses: "关闭",
  keyTurns: "其他图像对",

  on: "开",
  off: "关",
  live: "实时",
  liveHint:
    "打开后，凡通向此节点的改动都会重新绘制它，其余节点不运行",
  liveCommand: "Forget It All：打开或关闭实时",

  more: "更多 ▾",
  less: "收起 ▴",

  runToSeeTable: "运行工作流后即可查看表格。",

  usualNumbers: (settings, nodes) => `已采用该类别的常用取值：${settings}。已更改的节点：${nodes}。`,
  ownPrompts: "上下文或模板为自定义内容：清空后即采用该类别的。",
  percentages: {
    temporal_sparsity: "时间稀疏度",
    spatial_sparsity: "空间稀疏度",
    agnostic_ratio: "无关比例",
  },

  upload: "上传掩码…",
  uploadHint: "把掩码文件复制到服务器，并在此使用",
  embed: "嵌入工作流",
  embedHint: "把掩码放入本工作流及其生成的图像",
  tooLarge: "太大，无法嵌入（最多 1 MiB）：请发送文件。",
  remove: "从工作流中移除",
  removeHint: "取出嵌入的掩码，重新使用文件",
  noMask: "请在上方选择掩码文件、上传一个，或将其拖到本节点上。",
  missing: (name) => `服务器上没有 ${name}。请在此上传，或选择其他文件。`,
  embedded: (size) => `已嵌入本工作流（${size}），不使用上方的文件。`,
  mismatch: (title, made, met) =>
    `此掩码不适用于“${title}”：它是为 ${made} 制作的，而该模型是 ${met}。`,
  uploading: (name) => `正在上传 ${name} …`,
  embedding: "正在嵌入 …",
  forgets: (concepts) => `遗忘 ${concepts}`,
  otherCheckpoints: "同类的其他 Checkpoint 也能用，但可能遗忘得较少：请分析你的模型。",
  card: {
    "made for": "适用模型",
    "switches off": "关闭",
    "fused with": "融合设置",
    protects: "保护",
    "profiled with": "分析设置",
    fingerprint: "指纹",
    "made with": "制作工具",
  },

  loadSaved: "添加一个加载此掩码的节点",

  answered: (status) => `服务器返回了 ${status}。`,
  noAnswer: "服务器没有响应。ComfyUI 还在运行吗？",

  emptyCache: "Forget It All：清空概念分析缓存",
  emptyCacheQuestion: "将删除磁盘上保存的所有概念分析结果；之后需要重新分析这些概念。",
  cacheEmpty: "分析缓存已清空",
  cacheEmptied: (count, size) => `已删除 ${count} 个分析结果（${size}）。`,
};
