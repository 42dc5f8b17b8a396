// Renders the OpenAPI document. Its texts are only ever set as text, never as markup.
"use strict";

const METHODS = ["get", "head", "post", "put", "patch", "delete"];
const byId = (id) => document.getElementById(id);
let schemas = {};

/** An element with attributes and children; strings become text. */
function element(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Text with `code` in backquotes. */
function prose(text) {
  return (text || "").split("`").map((part, number) => (number % 2 ? element("code", {}, part) : part));
}

const nameOf = (reference) => reference.split("/").pop();

/** The type of a schema in a few words; references lead to the schema. */
function typeOf(schema) {
  if (!schema || Object.keys(schema).length === 0) return ["anything"];
  if (schema.$ref) return [element("a", { href: `#schema-${nameOf(schema.$ref)}` }, nameOf(schema.$ref))];
  if (schema.oneOf) return schema.oneOf.flatMap((choice, number) => (number ? [" or ", ...typeOf(choice)] : typeOf(choice)));
  if (schema.allOf) return schema.allOf.flatMap((part, number) => (number ? [" and ", ...typeOf(part)] : typeOf(part)));
  if (schema.enum) return [schema.enum.map((word) => JSON.stringify(word)).join(" | ")];
  const types = [].concat(schema.type || "anything");
  if (types.includes("array")) return ["list of ", ...typeOf(schema.items)];
  return [types.join(" or ") + (schema.format ? ` (${schema.format})` : "")];
}

function bounds(schema) {
  const names = ["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "default"];
  const found = names.filter((name) => schema && schema[name] !== undefined).map((name) => `${name} ${schema[name]}`);
  return found.length ? ` · ${found.join(", ")}` : "";
}

function table(name, heads, rows) {
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": name },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, ...[].concat(cell)))))),
    ),
  );
}

function parameters(operation) {
  if (!operation.parameters || operation.parameters.length === 0) return [];
  const rows = operation.parameters.map((parameter) => [
    [element("code", {}, parameter.name), parameter.required ? " (required)" : ""],
    parameter.in,
    [...typeOf(parameter.schema), bounds(parameter.schema)],
    prose(parameter.description),
  ]);
  return [element("h3", {}, "Parameters"), table("Parameters", ["Name", "In", "Type", "Meaning"], rows)];
}

function body(operation) {
  if (!operation.requestBody) return [];
  const content = operation.requestBody.content || {};
  const kinds = Object.entries(content).map(([media, { schema }]) => element("p", {}, element("code", {}, media), " ", ...typeOf(schema)));
  return [element("h3", {}, operation.requestBody.required ? "Body (required)" : "Body"), ...kinds];
}

function answers(operation) {
  const rows = Object.entries(operation.responses || {}).map(([status, response]) => [
    element("code", {}, status),
    prose(response.description),
    Object.entries(response.content || {}).flatMap(([media, { schema }], number) => [
      number ? element("br") : "", element("code", {}, media), " ", ...typeOf(schema),
    ]),
  ]);
  return [element("h3", {}, "Answers"), table("Answers", ["Status", "Meaning", "Content"], rows)];
}

function endpoint(path, method, operation) {
  const title = [element("span", { class: "method" }, method.toUpperCase()), element("code", {}, path), " ", operation.summary || ""];
  const node = element(
    "details",
    { id: operation.operationId || `${method}-${path}` },
    element("summary", {}, ...title),
    element("div", { class: "inside" }, element("p", {}, ...prose(operation.description)), ...parameters(operation), ...body(operation), ...answers(operation)),
  );
  node.dataset.text = `${method} ${path} ${operation.summary || ""} ${operation.description || ""} ${operation.operationId || ""}`.toLowerCase();
  return node;
}

function schemaBlock(name, schema) {
  const required = new Set(schema.required || []);
  const rows = Object.entries(schema.properties || {}).map(([field, part]) => [
    [element("code", {}, field), required.has(field) ? " (always)" : ""],
    [...typeOf(part), bounds(part)],
    prose(part.description),
  ]);
  const inside = rows.length ? [table(`Fields of ${name}`, ["Field", "Type", "Meaning"], rows)] : [element("p", {}, ...typeOf(schema), bounds(schema))];
  const node = element(
    "details",
    { id: `schema-${name}` },
    element("summary", {}, element("code", {}, name)),
    element("div", { class: "inside" }, element("p", {}, ...prose(schema.description)), ...inside),
  );
  node.dataset.text = name.toLowerCase();
  return node;
}

function section(title, about, nodes) {
  return element("section", {}, element("h2", {}, title), element("p", { class: "quiet" }, ...prose(about)), ...nodes);
}

function render(spec) {
  schemas = (spec.components && spec.components.schemas) || {};
  const groups = new Map((spec.tags || []).map((tag) => [tag.name, { about: tag.description, nodes: [] }]));
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const method of METHODS.filter((method) => item[method])) {
      const tag = (item[method].tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, { about: "", nodes: [] });
      groups.get(tag).nodes.push(endpoint(path, method, item[method]));
    }
  }
  const info = section(`${spec.info.title} ${spec.info.version}`, "", (spec.info.description || "").split("\n\n").map((part) => element("p", {}, ...prose(part))));
  const parts = [...groups].map(([name, { about, nodes }]) => section(name, about, nodes));
  const types = section("Schemas", "What is sent and answered.", Object.entries(schemas).map(([name, schema]) => schemaBlock(name, schema)));
  byId("document").replaceChildren(info, ...parts, types);
  find();
  open();
}

function find() {
  const words = byId("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const node of document.querySelectorAll("#document details")) {
    const fits = words.every((word) => node.dataset.text.includes(word));
    node.hidden = !fits;
    if (fits && !node.id.startsWith("schema-")) count += 1;
  }
  byId("found").textContent = count === 1 ? "1 endpoint" : `${count} endpoints`;
}

/** Opens what the address names, so that links to endpoints and schemas work. */
function open() {
  const node = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
  if (node && node.tagName === "DETAILS") {
    node.hidden = false;
    node.open = true;
    node.scrollIntoView();
  }
}

byId("find").addEventListener("input", find);
byId("find-form").addEventListener("submit", (submit) => submit.preventDefault());
window.addEventListener("hashchange", open);
fetch("/api/openapi.json")
  .then((response) => response.json())
  .then(render)
  .catch(() => {
    byId("found").textContent = "The document could not be loaded.";
  });
