// Before anything is painted, so that a dark page never flashes white.
(() => {
  const wanted = document.documentElement.dataset.theme;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const theme = wanted === "auto" ? (dark.matches ? "dark" : "light") : wanted;
    document.documentElement.dataset.bsTheme = theme;
  };
  dark.addEventListener("change", apply);
  apply();
})();
