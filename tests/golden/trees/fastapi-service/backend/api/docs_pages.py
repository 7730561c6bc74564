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
SCRIPT = f'SwaggerUIBundle({{url: "{OPENAPI_URL}", dom_id: "#swagger-ui", deepLinking: true}})'
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
