"""Dispatches each route to its reconcile (active, paused, deleting), handles errors, and always updates the status."""

from __future__ import annotations

import logging
from typing import Any

from merchantroute_operator import metrics, naming
from merchantroute_operator.errors import KubeConflict, KubeError, NamespaceTerminating, RouteError, unforeseen
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.reconcile.merchants.claims import Claims, readable_claim
from merchantroute_operator.reconcile.merchants.merging import (
    take_claims,
    update_merchant_statuses,
    update_orphan_statuses,
)
from merchantroute_operator.reconcile.merchants.status_writer import MerchantStatusWriter
from merchantroute_operator.reconcile.passes.active import REQUEUE_LATER, REQUEUE_SOON
from merchantroute_operator.reconcile.passes.deleting import reconcile_deleting
from merchantroute_operator.reconcile.passes.drift import reconcile_and_report_repairs
from merchantroute_operator.reconcile.passes.paused_route import reconcile_paused
from merchantroute_operator.reconcile.passes.status import is_ready, update_status
from merchantroute_operator.reconcile.secret_index import FollowSecrets, SecretIndex, follow_none
from merchantroute_operator.reconcile.state.backoff import LONGEST, retry_delay
from merchantroute_operator.reconcile.state.context import Context, Key
from merchantroute_operator.reconcile.state.findings import NO_CHILDREN, Findings
from merchantroute_operator.reconcile.state.resting.quiet import has_settled, is_quiet
from merchantroute_operator.reconcile.state.resting.retained import retained, retained_deployment
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.reconcile.steps.open_broker import open_broker
from merchantroute_operator.resources.workload.own_pods import is_worker
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.parse import parse
from merchantroute_operator.spec.sections.deletion import parse_deleting
from merchantroute_operator.spec.sections.lanes_only import parse_lanes_only
from merchantroute_operator.spec.sections.pause import parse_pause
from merchantroute_operator.work_queue import SETTLE, Budget, WorkQueue

logger = logging.getLogger(__name__)
PASSES_A_BROKER = 4  # at once
FAILING_A_BROKER = 2  # at once, of routes whose last pass failed
MERCHANTS_SETTLE = 1.0  # seconds in which further Merchants join one that changed: a team applies hundreds at once
MERCHANTS_CALM = 5.0  # seconds without a reconcile after which the first Merchant that changes does not wait for others


class Reconciler:
    """Reconciles all routes, and holds their state."""

    def __init__(self, ctx: Context, follow_secrets: FollowSecrets = follow_none) -> None:
        """``follow_secrets`` is told which Secrets (namespace, name) without a label a route uses from now on."""
        self._ctx = ctx
        self._secrets = SecretIndex(follow_secrets)
        self.states: dict[Key, RouteState] = {}
        self.queue: WorkQueue[Key] = WorkQueue(self.reconcile, self._budget)
        self.claims = Claims(ctx.kube, self._merchants_changed, ctx.monotonic)
        self.status_writer = MerchantStatusWriter(ctx.kube, self.claims)

    async def reconcile(self, key: Key) -> float | None:
        """One pass; the seconds until the next one."""
        state = self.states.setdefault(key, RouteState())
        now = self._ctx.monotonic()
        if not state.schedule.full and now < state.schedule.full_at and state.findings is not None:
            await self._update_status(state, state.findings)
            return state.schedule.full_at - now
        if not state.schedule.full and is_quiet(state, now, self._ctx.resync):
            state.schedule.full_at = now + self._ctx.resync
            return self._ctx.resync
        state.schedule.full = False
        with metrics.passing() as outcome:
            after = await self._reconcile_fully(key, state)
            outcome.failed = state.schedule.failures > 0
        state.schedule.passed_at = self._ctx.monotonic()
        if after is not None:
            state.schedule.full_at = state.schedule.passed_at + after
        return after

    async def _reconcile_fully(self, key: Key, state: RouteState) -> float | None:
        try:
            raw = await self._ctx.kube.route(*key)
        except KubeError as error:
            logger.warning("route %s/%s cannot be read: %s", *key, error)
            return self._retry(state, error)
        if raw is None:
            await self._forget(key)
            return await update_orphan_statuses(self._ctx, self.claims, self.status_writer, key)
        state = self._state_of(key, raw["metadata"]["uid"])
        state.own.restore(raw.get("status", {}))
        findings = Findings(raw=raw, listed=len(raw.get("spec", {}).get("merchants") or ()))
        findings.merchants.credentials_refused = frozenset(state.credentials_refused)
        findings.merchants.forbidden = frozenset(state.forbidden)
        known = dict(state.deployments)
        if state.findings is not None:
            findings.topology.uncounted = state.findings.topology.uncounted
        after = await self._guarded(raw, state, findings)
        kept = retained(findings)
        if findings.children is not NO_CHILDREN:
            state.drop_deployments(known, findings.children.deployments)
            if state.anew:
                state.anew = False
                state.deployments = {**kept.children.deployments, **state.deployments}
        state.schedule.settled = after == self._ctx.resync and has_settled(findings)
        if after is not None:
            await self._update_status(state, self._judged(state, kept))
        return REQUEUE_SOON if findings.merchants.behind and not state.schedule.failures else after

    async def _guarded(self, raw: Object, state: RouteState, findings: Findings) -> float | None:
        """Whatever a pass raises becomes the route's own error, and a later try."""
        try:
            after = await self._dispatch(raw, state, findings)
            state.schedule.failures, state.schedule.failure = 0, None
        except KubeConflict as error:
            after = self._retry(state, error)
        except NamespaceTerminating as error:
            logger.info("route %s: %s", raw["metadata"]["name"], error)
            after = REQUEUE_LATER
        except Exception as error:  # noqa: BLE001 - the route says what it is, and is tried again
            findings.error = error if isinstance(error, RouteError) else self._unforeseen("pass", raw, error)
            # Somebody waits for a deletion, whose patience with a broker is counted in seconds.
            deleting = "deletionTimestamp" in raw["metadata"]
            after = self._retry(state, findings.error, longest=REQUEUE_LATER if deleting else LONGEST)
        try:
            of_route = self._ctx, self.claims, self.status_writer, findings
            update_merchant_statuses(*of_route, own_queues=state.own.queues, waiting=state.own.waiting_orders())
        except Exception as error:  # noqa: BLE001 - the route says what it is
            findings.error = findings.error or self._unforeseen("merchants", raw, error)
        return after

    def _budget(self, key: Key) -> Budget:
        """The routes of one broker wait for the same; of a namespace those that never came to one.

        Those that failed last time get fewer turns, since each may take as long as a server's silence does.
        """
        state = self.states.get(key)
        failing = state is not None and state.schedule.failures > 0
        return Budget(
            (self._ctx.brokers.address(key) or key[0], failing), FAILING_A_BROKER if failing else PASSES_A_BROKER
        )

    def _retry(self, state: RouteState, error: RouteError, *, longest: float = LONGEST) -> float:
        if not state.schedule.failures:
            state.schedule.failing_since = self._ctx.monotonic()
        state.schedule.failures += 1
        metrics.PASS_ERRORS.labels(error.reason).inc()
        state.schedule.failure = error
        return retry_delay(state.schedule.failures, longest=longest, asked=error.retry_after)

    def _unforeseen(self, part: str, raw: Object, error: Exception) -> RouteError:
        metrics.UNEXPECTED.labels(part).inc()
        logger.error("route %s/%s: %s failed", *_key_of(raw), part, exc_info=error)
        return unforeseen(error)

    async def _dispatch(self, raw: Object, state: RouteState, findings: Findings) -> float | None:
        if raw["metadata"].get("deletionTimestamp"):
            state.paused = False
            route = findings.route = state.route = parse_deleting(raw)
            return await reconcile_deleting(self._ctx, route, state, findings)
        findings.pause.asked, now = parse_pause(raw), self._ctx.wall()
        state.paused = findings.pause.holds = findings.pause.asked.holds(now)
        try:
            findings.route = parse(raw)
        except SpecInvalid:
            await self._keep_scaling(raw, state, findings)
            raise
        route = await take_claims(self.claims, findings.route, state, findings)
        findings.route = state.route = route
        self._secrets.use((route.namespace, route.name), route)
        if findings.pause.holds:
            return await reconcile_paused(self._ctx, route, state, findings)
        if naming.FINALIZER not in route.finalizers:
            await self._ctx.kube.set_finalizers(raw, [*route.finalizers, naming.FINALIZER])
            return REQUEUE_SOON
        return await reconcile_and_report_repairs(self._ctx, route, state, findings)

    async def _keep_scaling(self, raw: Object, state: RouteState, findings: Findings) -> None:
        """After a restart nothing else knows the lanes of a route whose spec is invalid, and they work."""
        if state.route is not None or (route := parse_lanes_only(raw)) is None:
            return
        try:
            await open_broker(self._ctx, route, findings)
        except RouteError as error:
            logger.info("route %s/%s is not scaled: %s", route.namespace, route.name, error)
            return
        state.route = route
        self._secrets.use((route.namespace, route.name), route)

    def _judged(self, state: RouteState, findings: Findings) -> Findings:
        """What the status is made of: the last good look, for as long as what failed since may pass by itself.

        A route whose orders flow does not become unready for one slow answer. Of a process that has just started, the
        good look is what the status says.
        """
        failure, metadata = state.schedule.failure, findings.raw["metadata"]
        if failure is None and findings.children is not NO_CHILDREN:
            state.good = findings
            return findings
        told = state.status.written or findings.raw.get("status", {})
        if "deletionTimestamp" in metadata or (findings.error is not None and not is_ready(told)):
            return findings
        if failure is not None:
            if self._ctx.monotonic() - state.schedule.failing_since >= failure.patience:
                return findings
            logger.info("route %s/%s: %s; tried again", metadata["namespace"], metadata["name"], failure)
        findings.tentative = state.good is None and bool(told.get("conditions"))
        return state.good or findings

    async def _update_status(self, state: RouteState, findings: Findings) -> None:
        state.findings = findings
        backoff, now = state.status.backoff, self._ctx.monotonic()
        if findings.tentative:
            state.status.told = findings.raw.get("status")
        if findings.tentative or backoff.holds(now):
            return
        try:
            await update_status(self._ctx, state, findings)
            backoff.succeeded()
        except KubeError as error:
            backoff.failed(now, asked=error.retry_after)
            logger.warning("status of %s cannot be written: %s", findings.raw["metadata"]["name"], error)
        except Exception as error:
            if findings.route is None:
                raise
            # Without what it was made of a status still says that the route is in trouble.
            told = self._unforeseen("status", findings.raw, error)
            await self._update_status(
                state, Findings(raw=findings.raw, listed=findings.listed, error=findings.error or told)
            )

    def _state_of(self, key: Key, uid: str) -> RouteState:
        """The memory of the route with this uid: nothing is inherited from one that had its name before."""
        state = self.states.setdefault(key, RouteState())
        if state.uid and state.uid != uid:
            state = self.states[key] = state.successor()
            self._ctx.pulses.forget(key)
        state.uid = uid
        return state

    async def _forget(self, key: Key) -> None:
        self.states.pop(key, None)
        self._secrets.forget(key)
        self._ctx.pulses.forget(key)
        await self._ctx.brokers.release(key)

    def touch(self, key: Key, after: float = SETTLE) -> None:
        """Request a full reconcile of the route, ``after`` seconds from now."""
        self.states.setdefault(key, RouteState()).schedule.full = True
        self.queue.add(key, after)

    def _merchants_changed(self, key: Key) -> None:
        passed_at = self.states.setdefault(key, RouteState()).schedule.passed_at
        calm = self._ctx.monotonic() - passed_at >= MERCHANTS_CALM
        self.touch(key, SETTLE if calm else MERCHANTS_SETTLE)

    def route_changed(self, namespace: str, name: str, version: tuple[str, int, int, bool, str]) -> None:
        """See ``handlers.Watcher``; the operator's own status writes come back as events, and are nothing new."""
        uid, *_, gone, _ = version
        known = self.states.setdefault((namespace, name), RouteState())
        state = known if gone or not known.uid else self._state_of((namespace, name), uid)
        if state.schedule.version != version:
            state.schedule.version = version
            self.touch((namespace, name))

    def child_changed(self, kind: str, namespace: str, route: str, body: dict[str, Any], *, gone: bool) -> None:
        """See ``child_watches.Watcher``; the scaler reads Deployments from here, since ``/scale`` at 0 says nothing."""
        if kind == "Pod" and not is_worker(body, route):
            return
        state, name = self.states.setdefault((namespace, route), RouteState()), body["metadata"]["name"]
        if kind == "Deployment":
            if gone:
                state.deployments.pop(name, None)
            else:
                state.deployments[name] = retained_deployment(body)
        if kind == "Pod":
            self._ctx.pulses.know_pod((namespace, route), name, gone=gone)
        if gone or not state.seen.knows((kind, name), body):
            self.touch((namespace, route))

    def autoscaler_changed(self, namespace: str, deployment: str) -> None:
        """See ``child_watches.Watcher``."""
        for key, state in self.states.items():
            if key[0] == namespace and deployment in state.deployments:
                self.touch(key)

    def merchant_changed(self, body: dict[str, Any], *, gone: bool) -> None:
        """See ``handlers.Watcher``."""
        if (claim := readable_claim(body)) is not None:
            self.claims.drop(claim) if gone else self.claims.put(claim)

    def deletion_missed(self, kind: str, namespace: str, name: str) -> None:
        """See ``handlers.Watcher``."""
        if kind == naming.KIND:
            self.touch((namespace, name))
        else:
            self.claims.drop_named(namespace, name)

    def secret_changed(self, namespace: str, name: str, version: str) -> None:
        """See ``child_watches.Watcher``; routes that have read this version themselves hear nothing new."""
        for key in self._secrets.users(namespace, name):
            state = self.states.get(key)
            if state is not None and state.broker_secret != (name, version):
                self.touch(key)


def _key_of(raw: Object) -> Key:
    return raw["metadata"]["namespace"], raw["metadata"]["name"]
