// What a browser adds to pages that work without it: no page needs this file.
"use strict";

// Keys: "/" goes to the box, "n" and "p" walk through the posts of a list.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const inside = event.target.closest("input, textarea, select, [contenteditable]");
  if (inside) return;
  if (event.key === "/") {
    const box = document.querySelector("input[type=search]");
    if (box) { event.preventDefault(); box.focus(); box.select(); }
  } else if (document.querySelector(`[data-key="${CSS.escape(event.key)}"]`) && location.pathname === "/label") {
    event.preventDefault();
    document.querySelector(`[data-key="${CSS.escape(event.key)}"]`).click();
  } else if (event.key === "n" || event.key === "p") {
    const posts = [...document.querySelectorAll("article.post .when")];
    if (!posts.length) return;
    const at = posts.indexOf(document.activeElement);
    const next = posts[event.key === "n" ? Math.min(at + 1, posts.length - 1) : Math.max(at - 1, 0)];
    event.preventDefault();
    next.focus();
    next.closest("article").scrollIntoView({ block: "nearest" });
  }
});

// "Copy" buttons, where the browser has a clipboard.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button || !navigator.clipboard) return;
  const source = document.getElementById(button.dataset.copy);
  navigator.clipboard.writeText(source.textContent).then(() => {
    button.textContent = button.dataset.done;
  });
});
