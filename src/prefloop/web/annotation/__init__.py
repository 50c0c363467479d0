"""The comparison screen, and what its script asks for."""

from fastapi import APIRouter

from prefloop.web.annotation import api, pages

__all__ = ["router"]

router = APIRouter()
router.include_router(pages.router)
router.include_router(api.router)
