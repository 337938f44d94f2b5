# SPDX-License-Identifier: MIT
"""git: the life of a repository."""

from cases.case import shell

ENV = {'GIT_AUTHOR_NAME': 'A', 'GIT_AUTHOR_EMAIL': 'a@example.org', 'GIT_COMMITTER_NAME': 'C', 'GIT_COMMITTER_EMAIL': 'c@example.org',
       'GIT_AUTHOR_DATE': '2024-01-02T03:04:05Z', 'GIT_COMMITTER_DATE': '2024-01-02T03:04:05Z', 'GIT_CONFIG_COUNT': '2',
       'GIT_CONFIG_KEY_0': 'init.defaultBranch', 'GIT_CONFIG_VALUE_0': 'main', 'GIT_CONFIG_KEY_1': 'gc.auto', 'GIT_CONFIG_VALUE_1': '0', 'PAGER': 'cat'}
MAKE = '''git init -q r; cd r; for i in $(seq 60); do mkdir -p d$((i % 7)); seq $i $((i * 20)) >d$((i % 7))/f$i; git add .; git commit -qm "commit $i"; done'''


def git(name, script, **more):
    # The index has the files' times and inodes.
    return shell(f'git-{name}', script, 'git', about=f'git: {name}', env=ENV, needs=('git',),
                 unlike=('r/.git/index', 'c/.git/index', 'b/.git/index', 'r/.git/modules', *more.pop('unlike', ())), limit=120, **more)


CASES = [
    git('begin', '''git init r; cd r; seq 100 >a; mkdir d; echo x >d/b; git add .; git status --short; git commit -m first; seq 2 101 >a; git diff; git commit -qam second; git log --stat; git show --format=raw HEAD~1 | head -n 3; git mv a c; git rm -q d/b; git status; git commit -qm third; git log --oneline; git fsck'''),
    git('branches', '''cd r; git branch x HEAD~9; git checkout -q x; echo y >d1/new; git add .; git commit -qm 'on x'; git log --oneline main..x; git checkout main; git merge -m merged x; git log --graph --oneline | head -n 5; git checkout -q -b z HEAD~1; echo 1 >d1/new; git add .; git commit -qm 'on z'; git merge main; git status --short; git checkout --theirs d1/new; git add .; git commit -qm solved; git tag -m tag v1; git describe; git branch -a; git stash list; git rebase -q HEAD~1; git cherry-pick x; git reset -q --hard main; git blame -s d1/f1''', make=MAKE, status=0,
        alike=((r'index [0-9a-f.]+', 'index'),)),
    git('storage', '''cd r; git gc -q; git count-objects -v | grep -v size; git repack -adq; git fsck --full; git pack-refs --all; git log --oneline | wc -l; git rev-list --objects --all | md5sum; git cat-file -p HEAD^{tree}; git archive HEAD | tar t | wc -l; git bundle create -q ../bundle HEAD main; git bundle verify -q ../bundle; git grep -c 77 | head -n 3; git bisect start -q HEAD HEAD~20 >/dev/null; git bisect run test -e d3/f45 | tail -n 3''', make=MAKE,
        unlike=('bundle', 'r/.git/objects/pack', 'r/.git/objects/info', 'r/.git'), long=True),
    git('clone', '''git clone -q r c; cd c; git log --oneline | head -n 2; echo z >z; git add z; git commit -qm cloned; git push -q origin main:pushed; cd ..; git -C r branch; git clone -q --bare --no-local r b; git -C b fsck; git -C c pull -q --ff-only; git -C c fetch ../b; git -C c remote -v | wc -l; git -C nothing log''', make=MAKE, status=128,
        unlike=('c/.git/objects/pack', 'b/objects/pack', 'c/.git/logs', 'c/.git/FETCH_HEAD'), long=True),
]
