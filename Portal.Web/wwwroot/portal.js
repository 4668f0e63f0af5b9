// What only a browser can do: cookies, clipboard, focus, keys. No state of the application lives here.
(() => {
  const cookie = (name, value) => {
    const life = value === "" ? 0 : 31536000;
    document.cookie = `${name}=${encodeURIComponent(value)};path=/;max-age=${life};samesite=lax${location.protocol === "https:" ? ";secure" : ""}`;
  };

  // The server paints the first frame: it must know the system's scheme before any script of its own runs.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const tellScheme = () => cookie("portal-system-dark", dark.matches ? "1" : "0");
  const isFirst = !document.cookie.includes("portal-system-dark=");
  tellScheme();
  // The first page of all came without it and is light: ask once more, before it is painted. Where cookies aren't kept it stays.
  if (isFirst && dark.matches && document.cookie.includes("portal-system-dark=1")) location.reload();
  dark.addEventListener("change", tellScheme);
  cookie("portal-zone", Intl.DateTimeFormat().resolvedOptions().timeZone ?? "");

  // Static pages have no circuit: the box that shows a password works here.
  document.addEventListener("change", e => {
    const field = e.target.dataset?.reveal && document.getElementById(e.target.dataset.reveal);
    if (field) field.type = e.target.checked ? "text" : "password";
  });

  // Who governs others is signed out when away: that somebody is here is told once a minute. What the page does by itself is no sign.
  let toldAt = 0;
  const here = e => {
    if (!e.isTrusted || !document.body.dataset.live || Date.now() - toldAt < 60_000) return;
    toldAt = Date.now();
    fetch("/here", { method: "POST", keepalive: true }).catch(() => { toldAt = 0; });
  };
  for (const sign of ["keydown", "pointerdown", "click", "input", "wheel", "touchmove"]) document.addEventListener(sign, here, { capture: true, passive: true });

  const focusBefore = [];
  let ahead = null;   // what is typed between the key that opens the palette and the focus of its field
  let aheadEnds = 0;
  const focusable = "a[href],button:not([disabled]),input:not([disabled]),select:not([disabled]),textarea:not([disabled]),[tabindex]:not([tabindex='-1'])";

  window.portal = {
    setCookie: cookie,
    setLanguage: language => location.assign(`/language/${language}?returnUrl=${encodeURIComponent(location.pathname + location.search)}`),
    copy: async text => {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch {
        // Plain HTTP from elsewhere than loopback has no clipboard: the old way.
        const area = document.createElement("textarea");
        area.value = text;
        area.style.position = "fixed";
        area.style.opacity = "0";
        document.body.append(area);
        area.select();
        const done = document.execCommand("copy");
        area.remove();
        return done;
      }
    },
    download: async (name, reference) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([await reference.arrayBuffer()], { type: "text/csv;charset=utf-8" }));
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    },
    enter: (panel, first) => {
      focusBefore.push(document.activeElement);
      const field = first && panel.querySelector(first);
      (field ?? panel).focus();
      if (field && ahead) {
        field.value = ahead;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
      ahead = null;
      if (panel.dataset.trap) return;   // a sheet stays where it is and is entered again
      panel.dataset.trap = "true";
      panel.addEventListener("keydown", e => {
        // The arrows choose in the palette's list; the caret stays.
        if (panel.classList.contains("palette") && (e.key === "ArrowDown" || e.key === "ArrowUp")) e.preventDefault();
        if (e.key !== "Tab") return;
        const all = [...panel.querySelectorAll(focusable)].filter(x => x.offsetParent !== null);
        if (all.length === 0) return;
        const first = all[0], last = all[all.length - 1];
        if (e.shiftKey && (document.activeElement === first || document.activeElement === panel)) { last.focus(); e.preventDefault(); }
        else if (!e.shiftKey && document.activeElement === last) { first.focus(); e.preventDefault(); }
      });
    },
    leave: () => focusBefore.pop()?.focus?.(),
    // Which keys have something to act on in this page; the names are those of ShortcutsDialog.
    keysHere: () => Object.entries({
      Rows: ".grid .row-link,[data-keys] .mail-link", Open: ".grid .row-link,.mail-link", Select: ".grid tbody input[type=checkbox],[data-keys] .mail-check", Edit: "[data-edit],[data-edit-row]", Filter: "[data-filter]", New: "[data-new]",
      Compose: "[data-mail=compose]", Reply: "[data-mail=reply]", ReplyAll: "[data-mail=reply-all]", Forward: "[data-mail=forward]", Delete: "[data-mail=delete]",
    }).filter(([, selector]) => document.querySelector(selector) !== null).map(([name]) => name),
    // WCAG 2.1.4: keys of one character can be switched off in the profile.
    singleKeys: () => !/(?:^|;\s*)portal-keys=off(?:;|$)/.test(document.cookie),
    show: id => document.getElementById(id)?.scrollIntoView({ block: "nearest" }),
    // To what a form complains of first.
    toFault: place => {
      const form = place.closest("form,.form") ?? place.parentElement;
      (form.querySelector("[aria-invalid=true]") ?? place.querySelector("[role=alert]"))?.focus();
    },
    address: () => location.href,
    focus: selector => document.querySelector(selector)?.focus(),
    // Called when the circuit listens: from here on keys and buttons act.
    onKeys: owner => { keysOwner = owner; if (owner) document.body.dataset.live = "true"; else delete document.body.dataset.live; },
  };

  let keysOwner = null;
  const typing = e => e.target.closest?.("input,textarea,select,[contenteditable]") !== null;
  const step = by => {
    const links = [...document.querySelectorAll(".grid .row-link")];
    if (links.length === 0) return false;
    const at = links.findIndex(l => l.closest("tr").contains(document.activeElement));
    links[Math.min(links.length - 1, Math.max(0, at < 0 ? 0 : at + by))].focus();
    return true;
  };

  const openPalette = () => {
    if (!document.querySelector(".palette")) {
      ahead = "";
      clearTimeout(aheadEnds);   // of an earlier opening
      aheadEnds = setTimeout(() => { ahead = null; }, 5000);
    }
    keysOwner.invokeMethodAsync("OnKeyAsync", "palette");
  };

  document.addEventListener("keydown", e => {
    if (ahead !== null && e.key.length === 1 && !e.ctrlKey && !e.metaKey && !e.altKey && !e.target.closest?.(".palette")) {
      ahead += e.key;
      e.preventDefault();
      return;
    }
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") {
      if (keysOwner) { e.preventDefault(); openPalette(); }
      return;
    }
    if (typing(e) || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    if (document.querySelector(".mud-dialog,.palette")) return;
    if (e.key.length === 1 && e.key !== " " && !window.portal.singleKeys()) return;
    const row = document.activeElement?.closest?.(".grid tbody tr");
    const press = selector => { const x = document.querySelector(selector); x?.focus(); if (x && x.tagName !== "INPUT") x.click(); return x !== null; };
    // Where the list's drawer changes a row, opening it is editing.
    const edit = row => { if (row.dataset.editRow) Blazor.navigateTo(row.dataset.editRow); else row.querySelector(".row-link").click(); return true; };
    let done = false;
    switch (e.key) {
      case "/": if (keysOwner) { openPalette(); done = true; } break;
      case "?": if (keysOwner) { keysOwner.invokeMethodAsync("OnKeyAsync", "help"); done = true; } break;
      case "j": done = step(1); break;
      case "k": done = step(-1); break;
      case "ArrowDown": done = row !== null && row !== undefined && step(1); break;
      case "ArrowUp": done = row !== null && row !== undefined && step(-1); break;
      case " ": { const box = row?.querySelector("input[type=checkbox]"); if (box && !e.target.matches("input")) { box.click(); done = true; } break; }
      case "f": done = press("[data-filter]"); break;
      case "n": done = press("[data-new]"); break;
      case "e": done = row?.dataset.editRow !== undefined ? edit(row) : press("[data-edit]"); break;
    }
    if (done) e.preventDefault();
  });
})();
