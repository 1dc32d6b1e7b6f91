"""A command on a coordinator's folder, which is its first word: ``graft-server COMMAND [DIR] ...``.

Where it is left out, the environment names it, or it is the folder the command is run in; ``--home DIR``, as it was
said before, is taken with a note.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import click
from typing_extensions import override

from shared.system.command_options import OptionsCommand, say

FOLDER_VARIABLE = "GRAFT_SERVER"
_OLD, _PARAMETER = "--home", "home"


class FolderCommand(OptionsCommand):
    """Puts the folder where the command line leaves it out; a command without such a parameter is as any other."""

    @override
    def of_today(self, ctx: click.Context, args: Sequence[str]) -> list[str]:
        words = super().of_today(ctx, args)
        if all(parameter.name != _PARAMETER for parameter in self.params):
            return words
        folder, words = _old_folder(words)
        if folder is not None:
            say(f"{_OLD} DIR is the first word now: {ctx.command_path} {folder}")
        elif not self._names_folder(ctx, words):
            folder = os.environ.get(FOLDER_VARIABLE) or "."
        return words if folder is None else [folder, *words]

    def _names_folder(self, ctx: click.Context, words: Sequence[str]) -> bool:
        """Whether the first word that belongs to no option is the folder.

        1. It is not, where there are no more of them than the command's other arguments.
        2. It is, where each of those takes one word.
        3. Else it is where it is a folder that is there, or the usual folder is no coordinator's.
        """
        others = [
            argument for argument in self.params if isinstance(argument, click.Argument) and argument.name != _PARAMETER
        ]
        free = self._free_words(ctx, words)
        if len(free) <= len(others):
            return False
        if all(argument.nargs == 1 for argument in others) or Path(free[0]).is_dir():
            return True
        from server.coordinator.home import ServerHome

        return not ServerHome(Path(os.environ.get(FOLDER_VARIABLE) or ".")).settings.is_file()

    def _free_words(self, ctx: click.Context, words: Sequence[str]) -> list[str]:
        """The words that belong to no option, in their order."""
        values, left, _ = self.make_parser(ctx).parse_args(list(words))
        free: list[str] = []
        for parameter in self.params:
            value = values.get(parameter.name or "") if isinstance(parameter, click.Argument) else None
            free += [value] if isinstance(value, str) else value if isinstance(value, tuple) else []
        return free + left


def _old_folder(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """What ``--home`` names, None without it, and the other words."""
    for place, word in enumerate(words):
        if word == _OLD and place + 1 < len(words):
            return words[place + 1], [*words[:place], *words[place + 2 :]]
        if word.startswith(f"{_OLD}="):
            return word.removeprefix(f"{_OLD}="), [*words[:place], *words[place + 1 :]]
    return None, list(words)
