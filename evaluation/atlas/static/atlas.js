"use strict";
/* What all pages share: data shards, theme, deep links, charts, messages. */
const otoscope = (() => {
  const $ = (id) => document.getElementById(id);

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  }

  function svg(tag, attributes = {}, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  /* ---- data: a script per shard, loaded when it is wanted, the oldest forgotten ---- */
  const MOST = 6;
  const shards = new Map();

  function shard(name) {
    const known = shards.get(name);
    if (known) {
      shards.delete(name);
      shards.set(name, known);
      return known.promise;
    }
    const entry = {};
    entry.promise = new Promise((resolve, reject) => { entry.resolve = resolve; entry.reject = reject; });
    shards.set(name, entry);
    const script = make("script", { src: `data/${name}.js` });
    script.onload = () => { script.remove(); entry.reject(new Error(`data/${name}.js says nothing`)); };
    script.onerror = () => {
      script.remove();
      shards.delete(name);
      entry.reject(new Error(`data/${name}.js is missing; build the atlas again with otoscope report`));
    };
    document.head.append(script);
    for (const old of shards.keys()) {
      if (shards.size <= MOST) break;
      if (old !== "index" && old !== name) shards.delete(old);
    }
    return entry.promise;
  }

  function take(name, value) {
    const entry = shards.get(name);
    if (entry) entry.resolve(value);
  }

  /* ---- deep links: page.html#key=value&key=value ---- */
  function hash() {
    return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  }
  /* `push` is for what one would want to come back from; the cursor's way there replaces. */
  function setHash(values, { push = false } = {}) {
    const kept = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
    const next = `#${new URLSearchParams(kept)}`;
    if (push && next !== location.hash) history.pushState(null, "", next);
    else if (!inPage()) history.replaceState(null, "", next);
  }
  const link = (page, values) => `${page}.html#${new URLSearchParams(values)}`;
  const inPage = () => location.hash && !location.hash.includes("="); // a place on the page, no choice
  const onHash = (callback) => addEventListener("hashchange", () => { if (!inPage()) callback(hash()); });

  /* ---- theme ---- */
  const system = matchMedia("(prefers-color-scheme: dark)");
  const themed = [];
  const isDark = () => (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const tellTheme = () => themed.forEach((callback) => callback(isDark()));
  const onTheme = (callback) => themed.push(callback);
  try {
    const kept = localStorage.getItem("otoscope-theme");
    if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  } catch { /* no storage: the choice lasts for this page */ }
  $("theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("otoscope-theme", document.documentElement.dataset.theme); } catch { /* as above */ }
    tellTheme();
  });
  system.addEventListener("change", tellTheme);

  /* On a phone the menu scrolls sideways: the page one is on must be seen. */
  const here = document.querySelector("header nav [aria-current]");
  if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 40;

  /* The way past the menu must not write over what the address names. */
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    $("main").focus();
  });

  /* May a key of the whole page be taken, or does it belong to what has the focus? */
  const OWNERS = "a, button, select, input, textarea, summary, audio, [tabindex]:not(main), .scroll";
  function free(event) {
    return !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented || event.target.closest(OWNERS));
  }

  /* ---- for screen readers ---- */
  const announce = (text) => { $("announced").textContent = text; };

  /* ---- charts, in the colours of the theme, drawn when they come into view ---- */
  const charts = new Map();

  function tinted(trace, dark) {
    const colour = trace.meta ? trace.meta[dark ? "dark" : "light"] : null;
    if (!colour) return trace;
    const copy = { ...trace };
    if (trace.meta.role === "band") copy.fillcolor = colour + "33";
    else copy.line = { ...trace.line, color: colour };
    if (trace.marker) copy.marker = { ...trace.marker, color: colour };
    return copy;
  }

  function draw(div) {
    const chart = charts.get(div);
    const dark = isDark();
    const { data, layout } = chart.figure;
    const grid = dark ? "#30333d" : "#ebe7de";
    const axis = { gridcolor: grid, zeroline: false, linecolor: grid, fixedrange: true, automargin: true };
    const dressed = {
      ...layout,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, 'Liberation Sans', sans-serif", size: 12, color: dark ? "#c9cbd3" : "#4a4d54" },
      hoverlabel: { bgcolor: dark ? "#2a2d36" : "#ffffff", bordercolor: grid, font: { color: dark ? "#f0f0f3" : "#1d1f24" }, align: "left" },
      xaxis: { ...layout.xaxis, ...axis }, yaxis: { ...layout.yaxis, ...axis },
    };
    Plotly.react(div, data.filter(chart.shown).map((trace) => tinted(trace, dark)), dressed, { displayModeBar: false, responsive: true });
    chart.drawn = true;
  }

  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting && !charts.get(entry.target).drawn) draw(entry.target);
  }, { rootMargin: "500px" });

  /* A figure of Plotly in a div; `shown` chooses its traces. Called again it draws anew. */
  function plot(div, figure, shown = () => true) {
    charts.set(div, { figure, shown, drawn: false });
    watcher.unobserve(div);
    watcher.observe(div);
  }
  const redraw = () => charts.forEach((chart, div) => {
    chart.drawn = false;
    if (div.isConnected) { watcher.unobserve(div); watcher.observe(div); } else charts.delete(div);
  });
  onTheme(redraw);
  addEventListener("beforeprint", () => charts.forEach((chart, div) => { if (div.offsetParent) draw(div); }));

  /* ---- what went wrong: said on the page, once, until something goes well ---- */
  function tell(text) {
    settle();
    $("main").prepend(make("p", { class: "notes", role: "alert", id: "trouble" }, text));
  }
  const settle = () => { if ($("trouble")) $("trouble").remove(); };
  const complain = (error) => tell(String(error.message || error));

  /* What of a link there is not, in words; `known` has, of each of its keys, the names that there are. */
  function lost(asked, known) {
    const gone = Object.keys(known).filter((what) => asked[what] && !known[what].includes(asked[what]));
    return gone.length ? `There is ${gone.map((what) => `no ${what} ${asked[what]}`).join(" and ")} here, so something else is shown.` : "";
  }
  function astray(asked, known) {
    const text = lost(asked, known);
    if (text) tell(text);
    else settle();
  }

  return { $, make, svg, shard, take, hash, setHash, onHash, link, isDark, onTheme, announce, free, plot, redraw, tell, settle, complain, lost, astray };
})();
otoscope.index = otoscope.shard("index");
otoscope.index.catch(otoscope.complain);
