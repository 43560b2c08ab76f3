"""What the loop does about what happens: ``step(project, input) -> (project, plan)``, pure.

Theory of operation. A project has services, each with what is wanted (an image, by its
fingerprint, and what its container is made of), the one work that is under way for it, and its app.
One container is a project of one service.

- An input says that something happened: a batch of saves and what it means, the end of something
  that an earlier plan set going, a wish of the user's. It carries every fact and the time.
- ``app`` hands the inputs to one service to where they are decided: ``batches``, ``containers``,
  ``process``; ``wishes`` are the user's. A save of a source asks for a start (``starts``); what
  changes the image or the container asks for a work: ``Building``, ``Built``, ``HandingOver``, then
  ``Idle``. Whatever ends a work, and however, ``converge`` goes for what is wanted then.
- A save is ``unseen`` until a start has read it, and a start has read what was saved before it was
  ordered. So a save during a start that is under way is followed by one more start, and any number
  of saves by that one. A new container reads what was saved before it was started.
- A cycle is opened by a batch or a wish and awaits a start or a container; it ends ``ok`` only when
  a process answers that was started after it began.
- ``services`` brings up what can be: one thing at a time, in the order of what waits for what, as a
  graph whose nodes have a cause. What fails together is tried one by one.
- ``jobs`` follows: where the container serves jobs run, while it is replaced they wait.
- ``once`` is `ci`: all is ready once, the jobs run, it ends.
- A plan is a tuple of actions, done in their order by edges that decide nothing.

The laws (converge, seen, rest, true, closed, one decision, nothing unasked, one start) are told in
docs/loop.md and held by tests/loop/decide/test_laws.py.
"""
