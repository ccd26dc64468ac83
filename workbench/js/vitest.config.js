// The tests' own names (test, expect) are global: the packages lie in .environment/, where an
// import from tests/ would not find them.

export default {
  root: "../..",
  cacheDir: ".environment/js/cache",
  test: { globals: true, include: ["tests/js/**/*.test.js"], passWithNoTests: true },
};
