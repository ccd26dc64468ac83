/** What the page says, in Spanish. */

/** @type {import("./en.js").Words} */
export const es = {
  locale: "es",

  before: "antes",
  after: "después",
  runToCompare: "Ejecuta el flujo de trabajo para comparar.",
  picturesGone: "El servidor ya no tiene estas imágenes. Ejecuta otra vez el flujo de trabajo.",
  line: "antes y después: dónde se encuentran",
  enlarged: "antes y después, ampliado",
  pairs: "Pares del lote",
  pair: (number) => `par ${number}`,
  close: "Cerrar",
  keys: { space: "Espacio", escape: "Esc", pages: "Page ↑ ↓" },
  keyMoves: "mover la línea",
  keyFlips: "alternar",
  keyCloses: "cerrar",
  keyTurns: "otros pares",

  on: "sí",
  off: "no",
  live: "En vivo",
  liveHint:
    "Mientras está activado, cada cambio que lleva a este nodo lo dibuja de nuevo; nada más se ejecuta",
  liveCommand: "Forget It All: activar o desactivar En vivo",

  more: "más ▾",
  less: "menos ▴",

  runToSeeTable: "Ejecuta el flujo de trabajo para ver la tabla.",

  usualNumbers: (settings, nodes) => `Valores habituales de este tipo: ${settings}. Nodos cambiados: ${nodes}.`,
  ownPrompts: "Aquí hay contextos o plantillas propios: bórralos para usar los de este tipo.",
  percentages: {
    temporal_sparsity: "dispersión temporal",
    spatial_sparsity: "dispersión espacial",
    agnostic_ratio: "proporción agnóstica",
  },

  upload: "Subir máscara…",
  uploadHint: "Copia un archivo de máscara al servidor y lo usa aquí",
  embed: "Incrustar en el flujo",
  embedHint: "Pone la máscara en este flujo de trabajo y en las imágenes que genera",
  tooLarge: "Demasiado grande para incrustarla (1 MiB como máximo): envía el archivo.",
  remove: "Quitar del flujo",
  removeHint: "Quita la máscara incrustada y vuelve a usar el archivo",
  noMask: "Elige arriba un archivo de máscara, sube uno o suéltalo sobre este nodo.",
  missing: (name) => `${name} no está en este servidor. Súbelo aquí o elige otro archivo.`,
  embedded: (size) =>
    `Incrustada en este flujo de trabajo (${size}). El archivo de arriba no se usa.`,
  mismatch: (title, made, met) =>
    `Esta máscara no sirve para «${title}»: se hizo para ${made} y ese modelo es ${met}.`,
  uploading: (name) => `Subiendo ${name} …`,
  embedding: "Incrustando …",
  forgets: (concepts) => `Olvida ${concepts}`,
  otherCheckpoints:
    "Otros checkpoints de este tipo sirven, pero pueden olvidar menos: perfila el tuyo.",
  card: {
    "made for": "hecha para",
    "switches off": "apaga",
    "fused with": "fusionada con",
    protects: "protege",
    "profiled with": "perfilada con",
    fingerprint: "huella",
    "made with": "creada con",
  },

  loadSaved: "Añadir un nodo que la cargue",

  answered: (status) => `El servidor respondió ${status}.`,
  noAnswer: "El servidor no responde. ¿Sigue ComfyUI en marcha?",

  emptyCache: "Forget It All: vaciar la caché de perfiles",
  emptyCacheQuestion:
    "Se eliminarán todos los perfiles guardados en el disco; habrá que perfilar otra vez.",
  cacheEmpty: "La caché de perfiles está vacía",
  cacheEmptied: (count, size) => `Perfiles eliminados: ${count} (${size}).`,
};
