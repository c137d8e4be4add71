/** A menu closes by Escape, by a click beside it, and when focus leaves it. */
(() => {
  const openMenus = () => [...document.querySelectorAll("details:is(.menu, .others)[open]")];

  addEventListener("click", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });
  addEventListener("focusin", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      event.stopImmediatePropagation();
    }
  });
})();
