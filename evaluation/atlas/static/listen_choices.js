"use strict";
/* The form above the grid, and the links that set it. */
otoscope.choosing = (all) => {
  const { $ } = otoscope;
  const boxes = (name) => [...document.querySelectorAll(`#choices input[name=${name}]`)];
  const checked = (name) => boxes(name).filter((box) => box.checked).map((box) => box.value);
  const check = (name, value) => { for (const box of boxes(name)) if (box.value === value) box.checked = true; };
  const names = all.models.map((model) => model.name);

  /* Chooses what a link asks for, and says on the page what of it there is not. */
  function follow(asked) {
    otoscope.astray(asked, { utterance: all.utterances, condition: all.conditions, layer: [...all.references, ...all.layers], model: names });
    if (all.utterances.includes(asked.utterance)) $("utterance").value = all.utterances.indexOf(asked.utterance);
    check("condition", asked.condition);
    check("model", asked.model);
  }

  $("choices").addEventListener("submit", (event) => event.preventDefault());
  const height = () => document.documentElement.style.setProperty("--bar", `${$("choices").offsetHeight}px`);
  new ResizeObserver(height).observe($("choices"));

  return {
    follow,
    number: () => Number($("utterance").value),
    condition: () => checked("condition")[0],
    models: () => all.models.filter((model) => checked("model").includes(model.name)),
    onutterance: (callback) => $("utterance").addEventListener("change", callback),
    onchange: (callback) => [...boxes("condition"), ...boxes("model")].forEach((box) => box.addEventListener("change", callback)),
  };
};
