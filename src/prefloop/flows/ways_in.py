"""Links with which people come into the pages, for the command line."""

from prefloop.flows.project import Project
from prefloop.store import identities, invitations, passwords, people

__all__ = ["first_way_in", "way_in"]


def way_in(project: Project, handle: str, address: str | None = None) -> str:
    """A link with which somebody who is here sets a password, made by who is acting; to
    `address`, or where the pages of this project were last served."""
    access, address = project.settings.access, address or _served_at(project)
    with project.transaction() as tx:
        return access.link(invitations.way_in(tx, handle, access.invitation_hours), address)


def _served_at(project: Project) -> str | None:
    path = project.folder / ".prefloop" / "server"  # where a server on SQLite says where it is
    return path.read_text(encoding="utf-8").strip() or None if path.exists() else None


def first_way_in(project: Project, address: str) -> tuple[str, str] | None:
    """The first admin and a link for them, while nobody can sign in at all."""
    with project.reader() as reader:
        everybody = people.handles(reader)
        linked = identities.listing(reader)
        if any(handle in linked or passwords.exists(reader, handle) for handle in everybody):
            return None
        admins = [handle for handle in everybody if people.may(reader, handle, "person.add")]
    if not admins:
        return None
    return admins[0], way_in(project.as_(admins[0]), admins[0], address)
