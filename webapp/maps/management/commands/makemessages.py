"""Django's `makemessages`, which knows the sentences of the pipeline too; `script/messages` calls it."""

from typing import ClassVar

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    """Collect what is marked by `pipeline.words` besides what Django marks."""

    xgettext_options: ClassVar[list[str]] = [
        *makemessages.Command.xgettext_options,
        "--keyword=sentence",
        "--keyword=counted:1,2",
    ]
