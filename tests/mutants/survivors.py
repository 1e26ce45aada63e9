"""The mutants that no test can reject because they are the same model: by model, by proof.

The proofs stand in docs/models.md under these titles.
"""

from __future__ import annotations

SURVIVORS: dict[str, dict[str, tuple[str, ...]]] = {
    "sc": {
        "inside and outside": (
            "atomic: rmw & (fre;coe) → rmw & (fr;coe)",
            "atomic: rmw & (fre;coe) → rmw & (fre;co)",
        ),
    },
    "x86-tso": {
        "five shapes": (
            "internal: rf → rfi",
            "internal: without co",
            "internal: co → coe",
            "internal: co → coi",
            "internal: fr → fri",
        ),
        "exclusives": ("atomic: (rmw \\ ([Unlocked];rmw)) & (fre;coe) → (amo \\ ([Unlocked];rmw)) & (fre;coe)",),
        "inside and outside": (
            "atomic: (rmw \\ ([Unlocked];rmw)) & (fre;coe) → (rmw \\ ([Unlocked];rmw)) & (fr;coe)",
            "atomic: (rmw \\ ([Unlocked];rmw)) & (fre;coe) → (rmw \\ ([Unlocked];rmw)) & (fre;co)",
        ),
        "already in order": (
            "ppo: po & (R * M | W * W) → po & (R * M | M * W)",
            "mfence: po;[MFENCE];po → po;[MFENCE];po;[R]",
            "mfence: po;[MFENCE];po → [W];po;[MFENCE];po",
            "locked: [W];po;[R & X] → [M];po;[R & X]",
            "locked: [W];po;[R & X] → [W];po;[X]",
            "locked: [W];po;[R & X] → [W];po;[M & X]",
            "locked: [W & X];po;[R] → [X];po;[R]",
            "locked: [W & X];po;[R] → [M & X];po;[R]",
            "locked: [W & X];po;[R] → [W & X];po;[M]",
        ),
        "fences as ends": (
            "mfence: po;[MFENCE];po → po;[MFENCE];po;[M]",
            "mfence: po;[MFENCE];po → [M];po;[MFENCE];po",
            "locked: [W];po;[R & X] → po;[R & X]",
            "locked: [W & X];po;[R] → [W & X];po",
        ),
        "own writes": (
            "external: co → coe",
            "external: fr → fre",
        ),
    },
    "armv8": {
        "lrs to a write": (
            "lrs: [W];(po-loc \\ (po-loc;[W];po-loc));[R] → [W];po-loc \\ (po-loc;[W];po-loc)",
            "lrs: [W];(po-loc \\ (po-loc;[W];po-loc));[R] → [W];(po-loc \\ (po-loc;[W];po-loc));[M]",
        ),
        "dependencies in steps": (
            "carried: (data;lrs)^* → (data;lrs)?",
            "carried: (data;lrs)^* → data^*",
            "carried: (data;lrs)^* → ((data | addr);lrs)^*",
            "carried: (data;lrs)^* → (data;(rf & int))^*",
            "all-addr: carried;addr → addr",
            "all-data: carried;data → data",
            "dob: all-addr → addr",
            "dob: (all-addr | all-data);lrs → (addr | all-data);lrs",
        ),
        "on from an address": (
            "picked: ((data | pick-data);lrs)^* → (((data | addr) | pick-data);lrs)^*",
            "any-dep: picked;(data | pick-data);lrs? → picked;((data | addr) | pick-data);lrs?",
        ),
        "lrs or rfi": (
            "picked: ((data | pick-data);lrs)^* → ((data | pick-data);(rf & int))^*",
            "any-dep: picked;(data | pick-data);lrs? → picked;(data | pick-data);(rf & int)?",
            "dob: (all-addr | all-data);lrs → (all-addr | all-data);(rf & int)",
            "dob: and all-data;rfi",
            "aob: rmw;lrs;[A | Q] → rmw;(rf & int);[A | Q]",
        ),
        "already in order": (
            "all-addr: carried;addr → carried;(addr | data)",
            "all-data: carried;data → carried;(data | addr)",
            "dsb-ob: [R \\ NoRet];po;[dsb-ld];po → [R \\ NoRet];po;[dsb-ld | dsb-full];po",
            "dsb-ob: [W];po;[dsb-st];po → [W];po;[dsb-st | dsb-full];po",
            "dob: and all-addr;po;[W]",
            "bob: [R \\ NoRet];po;[dmb-ld];po;[M] → [R \\ NoRet];po;[dmb-ld | dmb-full];po;[M]",
            "bob: [W];po;[dmb-st];po;[W] → [W];po;[dmb-st | dmb-full];po;[W]",
        ),
        "to the end of the thread": ("any-dep: any-ctrl → (carried;(ctrl | pick-ctrl))",),
        "fences as ends": (
            "dsb-ob: [M];po;[dsb-full];po → po;[dsb-full];po",
            "dsb-ob: [M];po;[dsb-full];po → [M];po;[dsb-full];po;[M]",
            "dsb-ob: [R \\ NoRet];po;[dsb-ld];po → [R \\ NoRet];po;[dsb-ld];po;[M]",
            "dsb-ob: [W];po;[dsb-st];po → [W];po;[dsb-st];po;[M]",
            "bob: [M];po;[dmb-full];po;[M] → po;[dmb-full];po;[M]",
            "bob: [M];po;[dmb-full];po;[M] → [M];po;[dmb-full];po",
            "bob: [R \\ NoRet];po;[dmb-ld];po;[M] → [R \\ NoRet];po;[dmb-ld];po",
            "bob: [range([A];amo;[L])];po;[M] → [range([A];amo;[L])];po",
            "bob: [A | Q];po;[M] → [A | Q];po",
            "bob: [M];po;[L] → po;[L]",
        ),
        "accesses only": (
            "ifb-ob: (any-ctrl | any-addr;[M];po);[ISB];po → (any-ctrl | any-addr;po);[ISB];po",
            "pob: any-addr;[M];po;[W] → any-addr;po;[W]",
            "lws: [M];po-loc;[W] → po-loc;[W]",
        ),
        "fences behind a dependency": (
            "ifb-ob: (any-ctrl | any-addr;[M];po);[ISB];po → (any-ctrl | any-addr;[M];po);[ISB | dsb-full];po",
            "ifb-ob: (any-ctrl | any-addr;[M];po);[ISB];po → (any-ctrl | any-addr;[M];po);[ISB | dmb-full];po",
        ),
        "no LDAPR writes": ("bob: [range([A];amo;[L])];po;[M] → [range([A | Q];amo;[L])];po;[M]",),
        "a read, then a write there": ("lws: [M];po-loc;[W] → [W];po-loc;[W]",),
        "own writes": (
            "obs: coe → co",
            "obs: fre → fr",
        ),
        "five shapes": ("internal: co → coi",),
        "inside and outside": (
            "atomic: rmw & (fre;coe) \\ (fri;coi) → rmw & (fr;coe) \\ (fri;coi)",
            "atomic: rmw & (fre;coe) \\ (fri;coi) → rmw & (fre;co) \\ (fri;coi)",
        ),
    },
}

__all__ = ["SURVIVORS"]
