"""Swagger UI and ReDoc, from files on this machine: they work without the internet."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

OPENAPI_URL = "/openapi.json"
CACHE_SECONDS = 3600
ASSETS = {
    name: Path(str(files("offapi"))) / name
    for name in ("swagger_bundle.js", "swagger_style.css", "redoc.js")
}
# What asks for an id can be tried as it stands: `{thing_id}` is sent as the last id that an answer
# of `/things` has named. What deletes is shown last, so that all can be tried from the top.
SCRIPT = """
const known = {}
const filled = (text) =>
  text?.replace?.(/({|%7B)(\\w+_id)(}|%7D)/g, (all, _, name) => known[name] ?? all) ?? text
const depth = (operation) => operation.get("path").split("/").length
const place = (operation) => (operation.get("method") === "delete" ? 99 - depth(operation) : 0)
const ui = SwaggerUIBundle({
  url: "OPENAPI_URL",
  dom_id: "#swagger-ui",
  deepLinking: true,
  operationsSorter: (one, other) => place(one) - place(other),
  onComplete: () => {
    const description = "The last one that an answer has named, if it is sent as it stands"
    const example = (_, value) =>
      value?.in === "path" && value.name.endsWith("_id")
        ? { description, ...value, example: `{${value.name}}` }
        : value
    ui.specActions.updateJsonSpec(JSON.parse(JSON.stringify(ui.specSelectors.specJson(), example)))
  },
  requestInterceptor: (request) =>
    Object.assign(request, { url: filled(request.url), body: filled(request.body) }),
  responseInterceptor: (response) => {
    const id = response.body?.id ?? response.body?.data?.[0]?.id
    ui.specSelectors.paths()?.forEach((_, path) => {
      const [, things, name] = path.match(/^(.+)\\/{(\\w+_id)}$/) ?? []
      const asked = new RegExp(`^${things?.replace(/{\\w+}/g, "[^/]+")}$`)
      if (id && asked.test(new URL(response.url).pathname)) known[name] = id
    })
    return response
  },
})
""".replace("OPENAPI_URL", OPENAPI_URL)
SCRIPT_DIGEST = b64encode(sha256(SCRIPT.encode()).digest()).decode()
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; connect-src 'self'; img-src 'self' data:; font-src 'self' data:; "
        f"script-src 'self' 'sha256-{SCRIPT_DIGEST}'; style-src 'self' 'unsafe-inline'; "
        "worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
SWAGGER_UI = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API docs</title>
<link rel="stylesheet" href="/docs-assets/swagger_style.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs-assets/swagger_bundle.js"></script>
<script>{SCRIPT}</script>
</body>
</html>
"""
REDOC = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API reference</title>
</head>
<body>
<redoc spec-url="{OPENAPI_URL}"></redoc>
<script type="module" src="/docs-assets/redoc.js"></script>
</body>
</html>
"""
