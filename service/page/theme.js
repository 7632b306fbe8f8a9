// Light or dark: what the system prefers, until the button says otherwise. The choice is all that this page ever
// stores. A classic script, run before the first paint.
"use strict";

(() => {
  const KEY = "nerve-theme";
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");

  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is switched off
    }
  };

  const store = (theme) => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // The choice holds until the page is left.
    }
  };

  const chosen = stored();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;

  const other = () => {
    const current = root.dataset.theme ?? (prefersDark.matches ? "dark" : "light");
    return current === "dark" ? "light" : "dark";
  };

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const name = () => {
      button.textContent = other() === "dark" ? "Dark theme" : "Light theme";
    };
    name();
    prefersDark.addEventListener("change", name);
    button.addEventListener("click", () => {
      root.dataset.theme = other();
      store(root.dataset.theme);
      name();
    });
  });
})();
