"""Swagger UI and ReDoc, from files on this machine: they work without the internet."""

from importlib.resources import files
from pathlib import Path

OPENAPI_URL = "/openapi.json"
CACHE_SECONDS = 3600
ASSETS = {
    name: Path(str(files("offapi"))) / name
    for name in ("swagger_bundle.js", "swagger_style.css", "redoc.js")
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
<script>SwaggerUIBundle({{url: "{OPENAPI_URL}", dom_id: "#swagger-ui", deepLinking: true}})</script>
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
