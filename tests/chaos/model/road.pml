/* The road of one person's phone as Paceline carries it out, in every order in which its steps can fall.
 *
 * Two dialers, two attempts, a reaper, a deliverer, a campaign that is stopped or held, and goes on again. One atomic
 * step here is one transaction there, written as its statement in shared/adapters/postgres/queries has it:
 *
 *   lease     PLANNED -> LEASED, epoch + 1, the number taken         intent  LEASED of that epoch -> DIALING, all gates
 *   withhold  any of these, or UNKNOWN, of that epoch -> WITHHELD    report  DIALING | UNKNOWN of that epoch -> DONE
 *
 * What may go wrong, as often as it likes: a dialer dies between any two steps, or freezes there (it is given no turn);
 * a lease runs out whether its dialer lives or not; the doorbell loses a ring, doubles it or rings for nothing, which
 * is why it is not here: any dialer may ask for any attempt at any time, and need not. The deliverer dies once.
 *
 * RINGING and IN_CALL are left out: they explain, and decide nothing. So are the blocklist, the window, the callee's
 * hours and rest: they are gates as a hold and `late` are. Of time there is only what it permits: `late` is send_by by
 * Postgres' clock and `gone` the same instant by the worker's own, which is never earlier. A quarantine ends after both
 * and after the longest call, for that is how long it is made.
 *
 * Both attempts ring one phone. They are two tries of one number, the second only when the first was withheld or found
 * the callee busy; or, with -DTWO_CAMPAIGNS, the tries of two numbers, which live_call alone keeps apart.
 *
 * Each weakening takes one rule away, and must be found out:
 *
 *   -DNO_CAS_ON_INTENT    the intent is written without a look      -DNO_EPOCH        it looks at the state alone
 *   -DDIAL_BEFORE_INTENT  the INVITE leaves before the intent       -DREQUEUE_DIALING lost calls are planned again
 *   -DNO_EDGE_FENCE       the INVITE leaves without a look at the worker's own clock
 *   -DSHORT_QUARANTINE    lost calls are given up at once           -DNO_LIVE_CALL    nobody takes the number
 *   -DNO_GATES            the intent is written whether the campaign is stopped or held
 *   -DNO_CAMPAIGN_EPOCH   it asks whether the campaign runs, and not whether it was stopped since
 *   -DANYBODY_WITHHOLDS   an attempt is given back by whoever once had it, at whatever epoch
 *   -DSPLIT_RESULT        result and delivery are two transactions
 */

#ifdef TWO_CAMPAIGNS
#define NUMBERS 2
#define NUMBER(a) (a)
#else
#define NUMBERS 1
#define NUMBER(a) 0
#endif
#define ATTEMPTS 2
#define NOBODY 2
/* A bound of the search: one lease that goes stale, and one after it. */
#define LEASES 2

mtype = {NONE, PLANNED, LEASED, DIALING, UNKNOWN, WITHHELD, DONE};  /* attempts */
mtype = {IN_LINE, IN_ATTEMPT, FINAL};                              /* numbers: IN_LINE is READY or WAITING */
mtype = {QUEUED, SENDING, DELIVERED};                              /* deliveries: QUEUED is RETRY, too */

/* Postgres. */
mtype state[ATTEMPTS] = NONE;
byte epoch[ATTEMPTS];
bool lease_lasts[ATTEMPTS];    /* lease_until has not passed */
bool same_epoch[ATTEMPTS];     /* the campaign's, since the attempt was planned */
mtype number[NUMBERS] = IN_LINE;
bool result[NUMBERS];
mtype delivery[NUMBERS] = NONE;
byte live_call = NOBODY;       /* the attempt that has taken the person's number */
bool running = true;
bool held;

/* Time. */
bool late[ATTEMPTS];
bool gone[ATTEMPTS];

/* The network and the customer: what they saw, whatever Paceline says. */
bool invited[ATTEMPTS];
bool leg[ATTEMPTS];
bool received;

#define OVER(a) (state[a] == WITHHELD || state[a] == DONE)
#if defined(NO_GATES)
#define GATES_OPEN(a) (!late[a])
#elif defined(NO_CAMPAIGN_EPOCH)
#define GATES_OPEN(a) (running && !held && !late[a])
#else
#define GATES_OPEN(a) (running && same_epoch[a] && !held && !late[a])
#endif
#if defined(NO_CAS_ON_INTENT)
#define MAY_INTEND(a, e) true
#elif defined(NO_EPOCH)
#define MAY_INTEND(a, e) (state[a] == LEASED && lease_lasts[a] && GATES_OPEN(a))
#else
#define MAY_INTEND(a, e) (state[a] == LEASED && epoch[a] == e && lease_lasts[a] && GATES_OPEN(a))
#endif
#ifdef ANYBODY_WITHHOLDS
#define MAY_WITHHOLD(a, e) true
#else
#define MAY_WITHHOLD(a, e) (epoch[a] == e)
#endif
#ifdef NO_EDGE_FENCE
#define MAY_SEND(a) true
#else
#define MAY_SEND(a) (!gone[a])
#endif
#ifdef NO_LIVE_CALL
#define MAY_TAKE true
#else
#define MAY_TAKE (live_call == NOBODY)
#endif
#ifdef REQUEUE_DIALING
#define LOST PLANNED
#else
#define LOST UNKNOWN
#endif
#ifdef SHORT_QUARANTINE
#define QUARANTINE_OVER(a) true
#else
#define QUARANTINE_OVER(a) (gone[a] && !leg[a])
#endif

inline free_number(a) {
    if
    :: live_call == a -> live_call = NOBODY
    :: else -> skip
    fi
}

/* What nobody asks for any more is not told apart: a smaller search. */
inline forget_lease(a) {
    lease_lasts[a] = false;
    same_epoch[a] = false
}

inline return_number(a) {
    assert(number[NUMBER(a)] == IN_ATTEMPT);
    number[NUMBER(a)] = IN_LINE
}

inline conclude(a) {
    assert(number[NUMBER(a)] == IN_ATTEMPT && !result[NUMBER(a)] && delivery[NUMBER(a)] == NONE);
    number[NUMBER(a)] = FINAL;
    result[NUMBER(a)] = true
}

inline withhold(a, e) {
    if
    :: MAY_WITHHOLD(a, e) &&
       (state[a] == PLANNED || state[a] == LEASED || state[a] == DIALING || state[a] == UNKNOWN) ->
        state[a] = WITHHELD;
        forget_lease(a);
        free_number(a);
        return_number(a)
    :: else -> skip
    fi
}

/* I7, I12: once a stop or a hold is committed no intent follows, and none ever that was planned before a stop. */
inline intend(a) {
#ifndef NO_CAS_ON_INTENT  /* which passes the gates, too, and shall be seen to do worse */
    assert(running && same_epoch[a] && !held);
#endif
    state[a] = DIALING;
    same_epoch[a] = false
}

/* I1: no attempt is sent twice. I2: nobody is on two calls. */
inline invite(a) {
    assert(!invited[a]);
    assert(!leg[1 - a]);
    invited[a] = true;
    leg[a] = true
}

proctype Pacer() {
    byte next = 0;
end:
    do
    :: atomic {
           next < ATTEMPTS && running && !held && number[NUMBER(next)] == IN_LINE ->
           state[next] = PLANNED;
           same_epoch[next] = true;
           number[NUMBER(next)] = IN_ATTEMPT;
           next++
       }
    od
}

#define MAY_DIE \
    if \
    :: goto dies \
    :: true -> skip \
    fi
#define LEASE(x) \
    state[x] == PLANNED && !late[x] && epoch[x] < LEASES -> a = x

proctype Dialer() {
    byte a, e;
    bool took;
end:
    atomic {
        if
        :: LEASE(0)
        :: LEASE(1)
        fi;
        state[a] = LEASED;
        epoch[a]++;
        e = epoch[a];
        lease_lasts[a] = true;
        if
        :: MAY_TAKE -> live_call = a; took = true
        :: else -> skip
        fi
    };
    MAY_DIE;
    atomic {
        if
        :: took -> skip
        :: withhold(a, e); goto dies  /* it calls elsewhere, or its dialer is told to stop */
        fi
    };
#ifdef DIAL_BEFORE_INTENT
    atomic {
        if
        :: MAY_SEND(a) -> invite(a)
        :: withhold(a, e); goto dies
        fi
    };
    MAY_DIE;
#endif
    atomic {
        if
        :: MAY_INTEND(a, e) -> intend(a)
        :: else ->
            if
            :: state[a] == LEASED && epoch[a] == e && lease_lasts[a] -> withhold(a, e)  /* a gate is shut */
            :: else -> skip  /* the lease is gone */
            fi;
            goto dies
        fi
    };
    MAY_DIE;
#ifndef DIAL_BEFORE_INTENT
    atomic {
        if
        :: MAY_SEND(a) -> invite(a)
        :: withhold(a, e); goto dies  /* too late, no trunk, or Postgres' answer to the intent was lost */
        fi
    };
    MAY_DIE;
#endif
    !leg[a];  /* follows the call to its end */
    MAY_DIE;
    atomic {
        if
        :: epoch[a] == e && (state[a] == DIALING || state[a] == UNKNOWN) ->
            state[a] = DONE;
            forget_lease(a);
            free_number(a);
            if
            :: a == 0 && NUMBERS == 1 -> return_number(a); goto dies  /* busy: another try */
            :: conclude(a)
            fi
        :: else -> goto dies  /* reported too late: logged, and nothing else */
        fi;
#ifndef SPLIT_RESULT
        delivery[NUMBER(a)] = QUEUED;
        goto dies
#endif
    };
#ifdef SPLIT_RESULT
    MAY_DIE;
    delivery[NUMBER(a)] = QUEUED;
#endif
dies:  /* or has nothing more to do: either way it forgets all it knew */
    atomic { a = 0; e = 0; took = false; goto end }
}

#define REAP(a) \
    :: atomic { \
           state[a] == LEASED && !lease_lasts[a] && !late[a] -> \
           state[a] = PLANNED; \
           free_number(a) \
       } \
    :: atomic { \
           late[a] && (state[a] == PLANNED || (state[a] == LEASED && !lease_lasts[a])) -> \
           state[a] = WITHHELD; \
           forget_lease(a); \
           free_number(a); \
           return_number(a) \
       } \
    :: atomic { state[a] == DIALING && !lease_lasts[a] -> state[a] = LOST } \
    :: atomic { \
           state[a] == UNKNOWN && QUARANTINE_OVER(a) -> \
           state[a] = DONE; \
           forget_lease(a); \
           free_number(a); \
           conclude(a); \
           delivery[NUMBER(a)] = QUEUED \
       }

proctype Reaper() {
end:
    do
    REAP(0)
    REAP(1)
    od
}

proctype Deliverer() {
    bool dies = true;
end:
    do
    :: delivery[0] == QUEUED -> delivery[0] = SENDING
    :: delivery[0] == SENDING ->
       received = true;
       if
       :: delivery[0] = DELIVERED
       :: dies -> dies = false; delivery[0] = QUEUED  /* its lease runs out, and another takes it */
       fi
    od
}

#define PASS(a) \
    :: state[a] != NONE && !late[a] -> late[a] = true \
    :: late[a] && !gone[a] -> gone[a] = true \
    :: (state[a] == LEASED || state[a] == DIALING) && lease_lasts[a] -> lease_lasts[a] = false

proctype Time() {
end:
    do
    PASS(0)
    PASS(1)
    od
}

proctype Network() {
end:
    do
    :: leg[0] -> leg[0] = false
    :: leg[1] -> leg[1] = false
    od
}

proctype Owner() {
    if
    :: atomic { running = false; same_epoch[0] = false; same_epoch[1] = false }; running = true
    :: held = true; held = false
    fi
}

init {
    atomic {
        run Pacer();
        run Dialer();
        run Dialer();
        run Reaper();
        run Time();
        run Network();
#ifndef TWO_CAMPAIGNS
        run Deliverer();
        run Owner()
#endif
    }
}

/* I4: a result never stands without its delivery, nor a delivery without its result. */
#ifdef TWO_CAMPAIGNS
#define TOGETHER ((result[0] == (delivery[0] != NONE)) && (result[1] == (delivery[1] != NONE)))
#else
#define TOGETHER (result[0] == (delivery[0] != NONE))
#endif
/* I6: nobody plans again what may have rung. */
#define NOT_AGAIN(a) (!invited[a] || (state[a] != PLANNED && state[a] != LEASED))

ltl always { [] (TOGETHER && NOT_AGAIN(0) && NOT_AGAIN(1)) }
/* I5: what is final is delivered in the end, to a receiver that has it. */
ltl delivered { [] (number[0] == FINAL -> <> (delivery[0] == DELIVERED && received)) }
/* No attempt is forgotten: not by a lost ring, not by a dead dialer. */
ltl ended { [] (state[0] == PLANNED -> <> OVER(0)) }
