// The tests' own names (test, expect) are global: the packages lie in .environment/, where an
// import from tests/ would not find them.

import { fileURLToPath } from "node:url";

export default {
  root: fileURLToPath(new URL("../..", import.meta.url)),
  cacheDir: ".environment/js/cache",
  test: { globals: true, include: ["tests/js/**/*.test.js"], fsModuleCache: false },
};
