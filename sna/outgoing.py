"""What leaves a case: exports and answers to persons; allowed by the policy, registered, pseudonymous where wanted."""

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from sna.errors import InputError, UsageError
from sna.exports.files import Form, export_network, files_of, write_whole
from sna.exports.held import write_held
from sna.exports.pseudonymous import with_pseudonyms
from sna.graphs.coordination import Coordination, Search, find_coordination
from sna.graphs.interactions import Window
from sna.graphs.network import Network
from sna.graphs.networks import build_network
from sna.keeping import Keeper, recorded
from sna.privacy.audit import file_entry
from sna.privacy.keys import case_key
from sna.privacy.pseudonyms import Pseudonyms, pseudonyms_of
from sna.privacy.register import Handover, forget_export, note_export_hash, register_export
from sna.privacy.subject import Held, Subject
from sna.report.content import Made, gather_content, shown_in
from sna.report.page import write_page
from sna.report.plots import check_plot, draw_plot, write_plot
from sna.report.veil import Veil
from sna.report.words import catalogue
from sna.store.ingest import now
from sna.store.opening import Store


class Outgoing(Keeper):
    """A case as a source of files; each is registered with the posts that it holds, before it is written."""

    @recorded("graph export", "name", "window")
    def export(
        self,
        path: Path,
        name: str = "interactions",
        window: Window | None = None,
        form: Form | None = None,
        handover: Handover | None = None,
    ) -> tuple[Network, list[Path]]:
        """Write a network to files, registered with the posts that they hold; returns it as measured, and the files.

        Raises CaseError where the policy forbids an export now, UsageError and InputError as exports.files does.
        """
        self.check_exportable()
        form = form or Form()
        with self._reader() as store:
            built = build_network(store, name, window, loops=form.loops)
        part = built.narrowed(min_weight=form.min_weight, largest_component=form.largest_component, top=form.top)
        measured = part.measured(with_betweenness=form.betweenness)
        return measured, self._write_network(measured, path, "graph export", form, handover)

    @recorded("coordination export", "search")
    def export_coordination(
        self, path: Path, search: Search | None = None, handover: Handover | None = None
    ) -> tuple[Coordination, list[Path]]:
        """Write the network of actors that do the same together, as `export` does; returns it, and the files."""
        self.check_exportable()
        with self._reader() as store:
            found = find_coordination(store, search)
        measured = found.network().measured(with_betweenness=False)
        return found, self._write_network(measured, path, "coordination export", Form(), handover)

    @recorded("subject answer")
    def answer_access(self, path: Path, about: Subject, received_at: datetime | None = None) -> Held:
        """Write what is held about an account for its person, as a page or JSON; the file is registered like others."""
        held = self.held_about(about, received_at)
        with self._keeper() as store:
            number = register_export(store, path, "subject access", Handover("the person it is about"))
        write_held(held, self.record(), path)
        self._note_written({number: path})
        return held

    @recorded("report", "lang")
    def report(
        self,
        path: Path,
        lang: str = "en",
        handover: Handover | None = None,
        *,
        with_text: bool = True,
        progress: Callable[[str], None] | None = None,
    ) -> dict[str, object]:
        """Write the report of the case, one HTML file that loads nothing; returns its size and what it shows.

        `progress` is told what is gathered. The file is registered with every post of the case. Raises CaseError where
        the policy forbids an export now, UsageError for a language without a catalogue, InputError where the file
        cannot be written.
        """
        self.check_exportable()
        catalogue(lang)
        if path.suffix.lower() not in (".html", ".htm"):
            raise UsageError(f"{path.name}: a report is an .html file")
        handover = handover or Handover(pseudonymised=self.policy.duties.pseudonymise)
        made = Made(now(), version("sna"))
        with self._keeper() as store:
            veil = Veil(self._pseudonyms(store, handover), with_text)
            content = gather_content(store, self.policy, veil, made, progress)
            number = register_export(store, path, "report", handover)
        page = write_page(content, lang).encode()
        self._write_registered(path, number, lambda file: file.write(page))
        return {"file": str(path), "bytes": len(page), "lang": lang, **shown_in(content)}

    @recorded("plot", "what")
    def plot(self, path: Path, what: str, name: str | None = None, handover: Handover | None = None) -> Path:
        """Draw a network, timeline, thread (of the post `name`) or cascade (of the item `name`) to a registered file.

        Raises CaseError where the policy forbids an export now, UsageError for what cannot be drawn, InputError where
        the file cannot be written.
        """
        self.check_exportable()
        form = check_plot(path)
        handover = handover or Handover(pseudonymised=self.policy.duties.pseudonymise)
        with self._keeper() as store:
            veil = Veil(self._pseudonyms(store, handover))
            figure = draw_plot(store, veil, what, name)
            number = register_export(store, path, "plot", handover)
        self._write_registered(path, number, write_plot(figure, form))
        return path

    def _pseudonyms(self, store: Store, handover: Handover) -> Pseudonyms | None:
        return pseudonyms_of(store, case_key(self.folder)) if handover.pseudonymised else None

    def _write_registered(self, path: Path, number: int, write: Callable[[BinaryIO], object]) -> None:
        try:
            write_whole(path, write)
        except InputError:
            with self._keeper() as store:
                forget_export(store, number)
            raise
        self._note_written({number: path})

    def _note_written(self, files: Mapping[int, Path]) -> None:
        """Note the hash of each file, by its number in the register, there and for the audit."""
        self.files_out = [file_entry(file) for file in files.values()]
        with self._keeper() as store:
            for number, entry in zip(files, self.files_out, strict=True):
                note_export_hash(store, number, str(entry["sha256"]))

    def _write_network(
        self, network: Network, path: Path, command: str, form: Form, handover: Handover | None
    ) -> list[Path]:
        handover = handover or Handover(pseudonymised=self.policy.duties.pseudonymise)
        files = files_of(path)
        with self._keeper() as store:
            pseudonyms = self._pseudonyms(store, handover)
            numbers = [register_export(store, file, command, handover) for file in files]
        shown = with_pseudonyms(network, pseudonyms) if pseudonyms else network
        export_network(shown, path, dynamic=form.dynamic, with_layout=form.layout)
        self._note_written(dict(zip(numbers, files, strict=True)))
        return files
