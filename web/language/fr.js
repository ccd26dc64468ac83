/** What the page says, in French. */

/** @type {import("./en.js").Words} */
export const fr = {
  locale: "fr",

  before: "avant",
  after: "après",
  runToCompare: "Exécutez le workflow pour comparer.",
  picturesGone: "Le serveur n'a plus ces images. Exécutez à nouveau le workflow.",
  line: "avant et après : leur limite",
  enlarged: "avant et après, agrandis",
  pairs: "Paires du lot",
  pair: (number) => `paire ${number}`,
  close: "Fermer",
  keys: { space: "Espace", escape: "Échap", pages: "Page ↑ ↓" },
  keyMoves: "déplacer la ligne",
  keyFlips: "basculer",
  keyCloses: "fermer",
  keyTurns: "autres paires",

  on: "oui",
  off: "non",
  live: "En direct",
  liveHint:
    "Tant que c'est activé, chaque changement qui mène à ce nœud le redessine ; rien d'autre ne tourne",
  liveCommand: "Forget It All : activer ou couper En direct",

  more: "plus ▾",
  less: "moins ▴",

  runToSeeTable: "Exécutez le workflow pour voir le tableau.",

  usualNumbers: (settings, nodes) => `Valeurs usuelles de cette catégorie : ${settings}. Nœuds modifiés : ${nodes}.`,
  ownPrompts:
    "Contextes ou modèles de prompt sont les vôtres : videz-les pour ceux de cette catégorie.",
  percentages: {
    temporal_sparsity: "parcimonie temporelle",
    spatial_sparsity: "parcimonie spatiale",
    agnostic_ratio: "taux agnostique",
  },

  upload: "Téléverser un masque…",
  uploadHint: "Copie un fichier de masque sur le serveur et l'utilise ici",
  embed: "Intégrer au workflow",
  embedHint: "Place le masque dans ce workflow et dans les images qu'il produit",
  tooLarge: "Trop grand pour être intégré (1 Mio au plus) : envoyez le fichier.",
  remove: "Retirer du workflow",
  removeHint: "Retire le masque intégré et utilise à nouveau le fichier",
  noMask: "Choisissez un fichier de masque ci-dessus, téléversez-en un ou déposez-en un sur ce nœud.",
  missing: (name) =>
    `${name} n'est pas sur ce serveur. Téléversez-le ici ou choisissez un autre fichier.`,
  embedded: (size) =>
    `Intégré à ce workflow (${size}). Le fichier ci-dessus n'est pas utilisé.`,
  mismatch: (title, made, met) =>
    `Ce masque ne convient pas à « ${title} » : il est fait pour ${made}, ce modèle est ${met}.`,
  uploading: (name) => `Téléversement de ${name} …`,
  embedding: "Intégration …",
  forgets: (concepts) => `Oublie ${concepts}`,
  otherCheckpoints:
    "D'autres checkpoints de ce type conviennent, mais peuvent oublier moins : profilez le vôtre.",
  card: {
    "made for": "fait pour",
    "switches off": "éteint",
    "fused with": "fusionné avec",
    protects: "protège",
    "profiled with": "profilé avec",
    fingerprint: "empreinte",
    "made with": "créé avec",
  },

  loadSaved: "Ajouter un nœud qui le charge",

  answered: (status) => `Le serveur a répondu ${status}.`,
  noAnswer: "Le serveur ne répond pas. ComfyUI tourne-t-il encore ?",

  emptyCache: "Forget It All : vider le cache des profils",
  emptyCacheQuestion:
    "Tous les profils gardés sur le disque seront supprimés ; il faudra reprofiler leurs concepts.",
  cacheEmpty: "Le cache des profils est vide",
  cacheEmptied: (count, size) => `Profils supprimés : ${count} (${size}).`,
};
