"""Which addresses a catalog may send us to: http(s), and files inside the catalog's own folder."""

from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

from pipeline.errors import SourceError
from pipeline.public_address import is_remote

__all__ = ["is_remote", "resolve"]


def resolve(href: str, base: str, root: Path | None) -> str:
    """The address or local path that `href` stands for.

    Args:
        href: as written in the item.
        base: address or path of the document that it stands in.
        root: folder in which local files may lie; None where the catalog is remote and has none.

    Raises:
        SourceError: another scheme (s3, /vsi...), or a local file outside `root`.
    """
    scheme = urlsplit(href).scheme.lower()
    if scheme in ("http", "https"):
        return href
    if scheme == "s3":
        raise SourceError(
            f"{href} lies in an S3 bucket that needs an account; only http(s) addresses are read."
        )
    if scheme not in ("", "file") or href.startswith("/vsi"):
        raise SourceError(f"The address {href} is neither http(s) nor a file of the catalog.")
    if is_remote(base):
        if scheme or not href:
            raise SourceError(f"The address {href!r} is no address that {base} may point to.")
        return urljoin(base, href)
    return _local(url2pathname(urlsplit(href).path) if scheme else href, base, root)


def _local(href: str, base: str, root: Path | None) -> str:
    path = (Path(base).parent / href).resolve()
    if root is None or not path.is_relative_to(root.resolve()):
        raise SourceError(f"The file {href} lies outside the catalog's folder.")
    return str(path)
