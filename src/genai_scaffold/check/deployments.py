"""Reads what the deploy files of a project say, whatever their platform."""

from genai_scaffold.check.deployment import Deployment
from genai_scaffold.check.platforms import READERS
from genai_scaffold.project.files import Project
from genai_scaffold.project.soundness import is_sound


def read_deployments(checked: Project) -> list[Deployment]:
    """Every process that the project's deploy files start; what runs the image, completed by it."""
    found = [
        deployment
        for pattern, reader in READERS
        for path, file in checked.files.items()
        if pattern.fullmatch(path) and file.text and is_sound(file)
        for deployment in reader(file, checked)
    ]
    image = next((d for d in found if d.file.path == "Dockerfile"), None)
    return [_completed(d, image) if image and d.starts_image else d for d in found]


def _completed(deployment: Deployment, image: Deployment) -> Deployment:
    return deployment._replace(
        command=deployment.command or image.command,
        environment={**(image.environment or {}), **(deployment.environment or {})},
        starts_image=not deployment.command,
    )
