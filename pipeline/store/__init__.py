"""The storage root: a folder, or a bucket of an S3 server with a working copy on this machine."""

from pipeline.store.bucket import BucketRoot
from pipeline.store.folder import FolderRoot
from pipeline.store.moving import copy_into
from pipeline.store.objects import Objects, bucket_of
from pipeline.store.root import Root

__all__ = ["BucketRoot", "FolderRoot", "Objects", "Root", "bucket_of", "copy_into"]
