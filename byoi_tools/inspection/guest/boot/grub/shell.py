"""Follows a GRUB script as GRUB would, as far as files and variables decide it; nothing is executed.

The rules where the image alone does not decide: no key is pressed, and a command that is not known here succeeds and
does nothing. `halt`, `reboot` and `exit` are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from byoi_tools.formats.grub.arguments import option, read_environment, read_search, without_options
from byoi_tools.formats.grub.script import Command, Conditional, GrubScript, Loop, Statement, read_grub_script
from byoi_tools.formats.grub.test import FileQuestions, is_true
from byoi_tools.formats.grub.words import Word
from byoi_tools.inspection.guest.boot.grub.blscfg import specified_items
from byoi_tools.inspection.guest.boot.grub.state import FailedSearch, GrubDevices, GrubState, MenuItem

MAXIMUM_STEPS = 20_000
MAXIMUM_DEPTH = 20
MAXIMUM_VALUE = 4096
MAXIMUM_ARGUMENTS = 16 * 1024
_FAILING = ("false", "keystatus", "cmostest", "hashsum", "smbios")
_FEATURES = (
    "200_final",
    "all_video_module",
    "chainloader_bpb",
    "default_font_path",
    "menuentry_id",
    "menuentry_options",
    "nativedisk_cmd",
    "ntldr",
    "platform_search_hint",
    "timeout_style",
)

_read_script: Callable[[str], GrubScript] = lru_cache(maxsize=8)(read_grub_script)


class GrubShell:
    """One GRUB: its variables and what it reaches. Never raises for what the scripts contain."""

    def __init__(self, devices: GrubDevices, variables: dict[str, str]) -> None:
        """Take the variables that the platform sets, `root` and `prefix` among them."""
        features = {f"feature_{name}": "y" for name in _FEATURES}
        self.state = GrubState(variables=features | variables)
        self.state.exported |= features.keys()
        self._devices = devices
        self._files = FileQuestions(
            lambda path: devices.is_file(self.full_path(path)), lambda path: devices.is_directory(self.full_path(path))
        )
        self._steps = 0
        self._places = [""]

    def run_text(self, text: str, place: str, depth: int = 0) -> None:
        """Follow a script; `place` names it in what is found."""
        script = _read_script(text)
        if script.problem:
            self.state.problems.append(f"{place}, {script.problem}")
        self._places.append(place)
        self.run(script.statements, depth)
        self._places.pop()

    def run(self, statements: Sequence[Statement], depth: int) -> bool:
        """Follow statements; the result is that of the last one. Stops after 20,000 steps."""
        result = True
        for statement in statements:
            self._steps += 1
            if self._steps > MAXIMUM_STEPS or depth > MAXIMUM_DEPTH:
                return False
            if isinstance(statement, Command):
                result = self._command(statement, depth) != statement.is_negated
            elif isinstance(statement, Conditional):
                result = self.run(self._branch(statement, depth), depth + 1)
            elif isinstance(statement, Loop):
                for value in self.expand(statement.words):
                    self.set(statement.name, value)
                    result = self.run(statement.body, depth + 1)
            else:
                self.state.functions[statement.name] = statement.body
        return result

    def enter(self, item: MenuItem) -> None:
        """Choose an entry of the menu: its body runs, or its submenu becomes the menu."""
        if item.is_submenu:
            self._forget_what_is_not_exported()
            self.state.menu = []
        self.set("chosen", item.identity or item.title)
        self._places.append(item.place.rpartition(" line ")[0])
        self.run(item.body, 1)
        self._places.pop()

    def run_configuration(self, name: str, path: str, depth: int = 0) -> bool:
        """`configfile`, `normal`, `source` or `.` with the full path of a file; False where it is not there."""
        text = self._devices.read(path)
        if text is None:
            self.state.missing_configs += [path] if name in ("configfile", "normal") else []
            return False
        self.state.configs.append(path)
        if name in ("configfile", "normal"):
            self._forget_what_is_not_exported()
            self.set("config_file", path)
            self.set("config_directory", path.rpartition("/")[0])
            self.state.menu = []
        self.run_text(text, path, depth + 1)
        return True

    def set(self, name: str, value: str) -> None:
        """Give a variable a value, of which 4096 characters are kept."""
        self.state.variables[name] = value[:MAXIMUM_VALUE]

    def get(self, name: str) -> str:
        """The value of a variable; empty for those that nothing sets."""
        return self.state.variables.get(name, "")

    def full_path(self, path: str) -> str:
        """A path with its device: that of `root` unless it names one."""
        return path if path.startswith("(") else f"({self.get('root')}){path}"

    def expand(self, words: Sequence[Word]) -> list[str]:
        """The words with their variables replaced; unquoted ones are split at blanks, and vanish when empty.

        What comes after 16,384 characters is left out.
        """
        result: list[str] = []
        size = 0
        for word in words:
            expanded = self._expand_word(word)
            size += sum(map(len, expanded))
            if size > MAXIMUM_ARGUMENTS:
                break
            result += expanded
        return result

    def _expand_word(self, word: Word) -> list[str]:
        done: list[str] = []
        current, is_there = "", False
        for piece in word.pieces:
            text = self.get(piece.text) if piece.is_variable else piece.text
            is_there = is_there or piece.is_quoted or bool(text)
            if not piece.is_variable or piece.is_quoted:
                current += text
                continue
            head, *rest = text.split(" ")
            current += head
            for part in rest:
                done += [current] if current else []
                current = part
            if len(current) > MAXIMUM_ARGUMENTS:
                break
        return [*done, current] if current or (is_there and not done) else done

    def _branch(self, statement: Conditional, depth: int) -> tuple[Statement, ...]:
        for condition, body in statement.branches:
            if self.run(condition, depth + 1):
                return body
        return statement.otherwise

    def _command(self, command: Command, depth: int) -> bool:
        words = self.expand(command.words)
        if not words:
            return True
        name, arguments = words[0], words[1:]
        if command.block is not None:
            return self._add_to_menu(name, arguments, command)
        variable, equals, value = name.partition("=")
        if equals and variable.isidentifier():
            self.set(variable, value)
            return True
        if name in self.state.functions:
            for number, argument in enumerate(arguments[:9], 1):
                self.set(str(number), argument)
            return self.run(self.state.functions[name], depth + 1)
        if name in ("configfile", "source", ".", "normal"):
            path = self.full_path(arguments[0]) if arguments else f"{self.get('prefix')}/grub.cfg"
            return self.run_configuration(name, path, depth)
        return self._builtin(name, arguments, command.line)

    def _builtin(self, name: str, arguments: list[str], line: int) -> bool:
        if name in ("[", "test"):
            return is_true(arguments[:-1] if name == "[" and arguments[-1:] == ["]"] else arguments, self._files)
        if name.startswith("search"):
            return self._search(name, arguments, line)
        if name.startswith("linux"):
            self.state.kernel, self.state.initrds = tuple(arguments), ()
            return bool(arguments)
        if name.startswith("initrd"):
            self.state.initrds += tuple(arguments)
            return True
        if name in ("chainloader", "multiboot", "multiboot2", "xen_hypervisor"):
            self.state.other_program = " ".join([name, *arguments[:1]])
            return True
        action = _VARIABLE_COMMANDS.get(name)
        return action(self, arguments) if action is not None else name not in _FAILING

    def _add_to_menu(self, name: str, arguments: list[str], command: Command) -> bool:
        titles = without_options(arguments)
        if name not in ("menuentry", "submenu") or not titles or command.block is None:
            return False
        self.state.menu.append(
            MenuItem(
                title=titles[0],
                identity=option(arguments, "--id") or "",
                is_unrestricted="--unrestricted" in arguments,
                is_submenu=name == "submenu",
                is_specified=False,
                body=command.block,
                place=f"{self._places[-1]} line {command.line}",
            )
        )
        return True

    def _forget_what_is_not_exported(self) -> None:
        known = self.state.variables
        self.state.variables = {name: value for name, value in known.items() if name in self.state.exported}

    def _search(self, name: str, arguments: list[str], line: int) -> bool:
        kind, wanted, variable = read_search(name, arguments)
        device = self._devices.search(kind, wanted) if wanted else None
        if device is None:
            self.state.failed_searches.append(FailedSearch(kind, wanted, f"{self._places[-1]} line {line}"))
            return False
        self.set(variable, device)
        return True

    def _load_environment(self, arguments: list[str]) -> bool:
        path = option(arguments, "-f", "--file") or f"{self.get('prefix')}/grubenv"
        text = self._devices.read(self.full_path(path))
        for variable, value in read_environment(text or ""):
            self.set(variable, value)
        return text is not None

    def _export(self, arguments: list[str]) -> bool:
        self.state.exported |= {argument.partition("=")[0] for argument in arguments}
        return self._set([argument for argument in arguments if "=" in argument])

    def _set(self, arguments: list[str]) -> bool:
        name, equals, value = (arguments or [""])[0].partition("=")
        if equals:
            self.set(name, value)
        return True

    def _unset(self, arguments: list[str]) -> bool:
        for name in arguments:
            self.state.variables.pop(name, None)
        return True

    def _specified_entries(self, _: list[str]) -> bool:
        self.state.menu += specified_items(self._devices, self.full_path(""), self.get("blsdir"))
        self.state.uses_specified_entries = True
        return True


_VARIABLE_COMMANDS: dict[str, Callable[[GrubShell, list[str]], bool]] = {
    "set": GrubShell._set,
    "unset": GrubShell._unset,
    "export": GrubShell._export,
    "load_env": GrubShell._load_environment,
    "blscfg": GrubShell._specified_entries,
}
