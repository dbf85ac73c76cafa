"use strict";
/* The curves over depth: models and conditions switch on and off. */
otoscope.shard("overview").then((figures) => {
  const { plot } = otoscope;
  const checked = (name) => new Set([...document.querySelectorAll(`#curves input[name=${name}]:checked`)].map((box) => box.value));

  document.querySelectorAll(".plot").forEach((div) => {
    if (figures[div.id] && !div.closest("#curves")) plot(div, figures[div.id]);
  });

  function filter() {
    const along = document.querySelector("#curves input[name=along]:checked");
    if (!along) return;
    document.body.dataset.along = along.value;
    const models = checked("model");
    const conditions = checked("condition");
    const shown = (trace) => !trace.meta ||
      ((trace.meta.model === "" || models.has(trace.meta.model)) && conditions.has(trace.meta.condition));
    document.querySelectorAll("#curves .panels figure").forEach((figure) => {
      const names = along.value === "condition" ? conditions : models;
      figure.hidden = figure.dataset.along !== along.value || !names.has(figure.dataset.name);
    });
    document.querySelectorAll("#curves .panels").forEach((panels) => {
      panels.dataset.count = panels.querySelectorAll("figure:not([hidden])").length;
    });
    document.querySelectorAll(".matrix tr[data-model]").forEach((row) => {
      row.hidden = !models.has(row.dataset.model) || !conditions.has(row.dataset.condition);
    });
    const metrics = [...document.querySelectorAll("#curves .metric")];
    metrics.forEach((metric) => { metric.hidden = !metric.querySelector("tbody tr:not([hidden])"); });
    document.querySelector("#nothing").hidden = metrics.some((metric) => !metric.hidden);
    document.querySelectorAll("#curves .metric:not([hidden]) .plot").forEach((div) => { if (figures[div.id]) plot(div, figures[div.id], shown); });
  }
  document.querySelectorAll("#curves .switches input").forEach((input) => input.addEventListener("change", filter));
  filter();
}).catch(otoscope.complain);
