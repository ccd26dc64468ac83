/** What the page says, in Japanese. */

/** @type {import("./en.js").Words} */
export const ja = {
  locale: "ja",

  before: "消去前",
  after: "消去後",
  runToCompare: "ワークフローを実行すると比較できます。",
  picturesGone: "この画像はもうサーバーにありません。ワークフローをもう一度実行してください。",
  line: "消去前と消去後の境界線",
  enlarged: "消去前と消去後（拡大）",
  pairs: "バッチ内の画像の組",
  pair: (number) => `${number} 組目`,
  close: "閉じる",
  keys: { space: "スペース", escape: "Esc", pages: "Page ↑ ↓" },
  keyMoves: "境界線を動かす",
  keyFlips: "前後を切り替える",
  keyCloses: "閉じる",
  keyTurns: "ほかの組",

  on: "オン",
  off: "オフ",
  live: "ライブ",
  liveHint:
    "オンの間、このノードに至る変更があるたびに描き直します。ほかは実行しません",
  liveCommand: "Forget It All: ライブのオン／オフ",

  more: "もっと ▾",
  less: "閉じる ▴",

  runToSeeTable: "ワークフローを実行すると表が表示されます。",

  usualNumbers: (settings, nodes) => `この種類の標準値にしました：${settings}。変更したノード：${nodes}。`,
  ownPrompts: "コンテキストまたはテンプレートが独自のものです。この種類のものを使うには空にしてください。",
  percentages: {
    temporal_sparsity: "時間スパース率",
    spatial_sparsity: "空間スパース率",
    agnostic_ratio: "非依存率",
  },

  upload: "マスクをアップロード…",
  uploadHint: "マスクファイルをサーバーにコピーして、ここで使います",
  embed: "ワークフローに埋め込む",
  embedHint: "マスクをこのワークフローと、そこから作られる画像に入れます",
  tooLarge: "大きすぎて埋め込めません（最大 1 MiB）。ファイルを送ってください。",
  remove: "ワークフローから取り除く",
  removeHint: "埋め込まれたマスクを取り除き、ファイルを使う状態に戻します",
  noMask: "上でマスクファイルを選ぶか、アップロードするか、このノードにドロップしてください。",
  missing: (name) =>
    `${name} はこのサーバーにありません。ここでアップロードするか、別のファイルを選んでください。`,
  embedded: (size) => `このワークフローに埋め込まれています（${size}）。上のファイルは使いません。`,
  mismatch: (title, made, met) =>
    `このマスクは「${title}」に合いません：${made} 用に作られていますが、そのモデルは ${met} です。`,
  uploading: (name) => `${name} をアップロード中 …`,
  embedding: "埋め込み中 …",
  forgets: (concepts) => `忘れる概念：${concepts}`,
  otherCheckpoints: "同じ種類の別のチェックポイントでも使えますが、忘れ方が弱いことがあります。そのモデルをプロファイルしてください。",
  card: {
    "made for": "対象モデル",
    "switches off": "無効にする重み",
    "fused with": "統合の設定",
    protects: "保護",
    "profiled with": "プロファイルの設定",
    fingerprint: "フィンガープリント",
    "made with": "作成ツール",
  },

  loadSaved: "読み込むノードを追加",

  answered: (status) => `サーバーが ${status} を返しました。`,
  noAnswer: "サーバーが応答しません。ComfyUI は動いていますか？",

  emptyCache: "Forget It All: プロファイルのキャッシュを空にする",
  emptyCacheQuestion:
    "ディスクに保存された概念のプロファイルをすべて削除します。使うときは、もう一度プロファイルが必要です。",
  cacheEmpty: "プロファイルのキャッシュは空です",
  cacheEmptied: (count, size) => `プロファイルを ${count} 件削除しました（${size}）。`,
};
