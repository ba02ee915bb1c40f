"""A dataset repository on the hub: what is there, and changes that can be asked for again without harm."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile

from ...console.errors import UserError
from .payload import Item, equal, stale
from .retry import retrying

if TYPE_CHECKING:
    from huggingface_hub.hf_api import GitRefs

Gate = Literal["auto", "manual", False]


@dataclass(frozen=True, slots=True)
class Remote:
    """``OWNER/NAME`` on the hub; the token is the client's own affair (``hf auth login`` or ``HF_TOKEN``)."""

    repo: str
    api: HfApi

    def refs(self) -> "GitRefs | None":
        """Branches and tags; None where there is no such repository."""
        try:
            return retrying(lambda: self.api.list_repo_refs(self.repo, repo_type="dataset"))
        except RepositoryNotFoundError:
            return None

    def tags(self) -> dict[str, str]:
        """Commit by tag."""
        refs = self.refs()
        return {tag.name: tag.target_commit for tag in refs.tags} if refs else {}

    def head(self, branch: str) -> str | None:
        """The last commit of a branch; None where there is none."""
        refs = self.refs()
        return next((ref.target_commit for ref in refs.branches if ref.name == branch), None) if refs else None

    def tree(self, commit: str) -> dict[str, RepoFile]:
        """The files of a commit, by path."""
        listed = retrying(
            lambda: list(self.api.list_repo_tree(self.repo, recursive=True, revision=commit, repo_type="dataset"))
        )
        return {entry.path: entry for entry in listed if isinstance(entry, RepoFile)}

    def create(self, private: bool) -> None:
        """Make the repository, unless it is there."""
        retrying(lambda: self.api.create_repo(self.repo, repo_type="dataset", private=private, exist_ok=True))

    def settle(self, gate: Gate | None, private: bool) -> None:
        """Set gating and privacy before any content is there to be read; None leaves the gate as it is."""
        info = retrying(lambda: self.api.dataset_info(self.repo))
        if gate is not None and (info.gated or False) != gate:
            retrying(lambda: self.api.update_repo_settings(self.repo, gated=gate, repo_type="dataset"))
        if private and not info.private:
            retrying(lambda: self.api.update_repo_settings(self.repo, private=True, repo_type="dataset"))

    def branch(self, name: str, start: str) -> None:
        """Make a branch at commit ``start``, unless it is there."""
        retrying(
            lambda: self.api.create_branch(self.repo, branch=name, revision=start, repo_type="dataset", exist_ok=True)
        )

    def drop_branch(self, name: str) -> None:
        """Remove a branch, if it is there."""
        if self.head(name) is not None:
            retrying(lambda: self._drop(name), found=lambda: None if self.head(name) else True)

    def _drop(self, name: str) -> bool:
        self.api.delete_branch(self.repo, branch=name, repo_type="dataset")
        return True

    def put(self, branch: str, items: Sequence[Item], message: str) -> str:
        """Bring a branch to hold exactly ``items``, in one commit; none where it does already.

        The commit names its parent, so that of two attempts, or of two publishers, one alone can succeed.

        Returns:
            The commit that holds them.
        """
        wanted, head = list(items), self.head(branch)
        if head is None:
            raise UserError(f"{self.repo}: it has no branch {branch}")
        there = self.tree(head)
        if equal(there, wanted):
            return head

        def commit() -> str:
            # the client marks operations as it goes: every attempt has its own
            additions = [
                CommitOperationAdd(item.path, item.source if isinstance(item.source, bytes) else str(item.source))
                for item in wanted
                if not item.lies_at(there.get(item.path))
            ]
            _refuse_changed(additions, wanted)
            deletions = [CommitOperationDelete(path, is_folder=False) for path in stale(there, wanted)]
            return self.api.create_commit(
                self.repo,
                [*additions, *deletions],
                commit_message=message,
                revision=branch,
                parent_commit=head,
                repo_type="dataset",
            ).oid

        return retrying(commit, found=lambda: self._holding(branch, wanted))

    def _holding(self, branch: str, items: list[Item]) -> str | None:
        head = self.head(branch)
        return head if head is not None and equal(self.tree(head), items) else None

    def tag(self, version: str, commit: str) -> None:
        """Give a commit its tag; one that exists is never moved.

        Raises:
            UserError: the tag is there, at another commit.
        """

        def make() -> str:
            self.api.create_tag(self.repo, tag=version, revision=commit, repo_type="dataset")
            return commit

        at = retrying(make, found=lambda: self.tags().get(version))
        if at != commit:
            raise UserError(f"{self.repo}: the tag {version} is at another commit ({at[:12]}); tags are never moved")


def _refuse_changed(additions: Sequence[CommitOperationAdd], items: Sequence[Item]) -> None:
    """What is committed is what was planned and verified, also where a build replaces the folder meanwhile."""
    planned = {item.path: item.sha256 for item in items}
    for addition in additions:
        if addition.upload_info.sha256.hex() != planned[addition.path_in_repo]:
            raise UserError(f"{addition.path_in_repo}: changed while it was being published", "the same command again")
