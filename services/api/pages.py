"""The browser application's files."""

from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse

from services.api.access import PublicRoute
from services.api.parts import parts_of
from services.api.problems import Problem

router = APIRouter(route_class=PublicRoute, include_in_schema=False)

ASSETS = "assets"
"""Where the build puts files whose names hold a hash of their content."""
FOR_EVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"


@router.api_route("/{path:path}", methods=["GET", "HEAD"])
async def page(request: Request, path: str) -> Response:
    """A file of the application; its start page for paths that only the application knows."""
    if path == "api" or path.startswith("api/"):
        raise Problem(404, "There is nothing here; /api/docs lists what there is.")
    web = parts_of(request).settings.api.web.resolve()
    found = file_for(web, path)
    if found is None:
        built = (web / "index.html").is_file()
        raise Problem(404, "There is no such file." if built else "The browser application is not built.")
    long_lived = found.is_relative_to(web / ASSETS)
    return FileResponse(found, headers={"Cache-Control": FOR_EVER if long_lived else ASK_FIRST})


def file_for(web: Path, path: str) -> Path | None:
    """The file that answers `path`; None if there is none. Never one outside of `web`, which is resolved."""
    if "\0" in path:
        return None
    try:
        wanted = (web / path).resolve()
        if wanted.is_relative_to(web) and wanted.is_file():
            return wanted
    except OSError:  # for instance a name that is too long
        return None
    # What looks like a file and isn't there is not a page of the application.
    if "." in path.rpartition("/")[2] or path.startswith(f"{ASSETS}/"):
        return None
    index = web / "index.html"
    return index if index.is_file() else None
