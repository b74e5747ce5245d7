#!/usr/bin/env bash
# One combined stop by hand: groceries into a trunk, then fuel into the tank. Everything a store, a customer, a driver,
# a lock and a pump do is done here with `curl` and the `carhop` command, against a real server. Needs bash and curl.
#
#   docs/tutorial/stop.sh            builds nothing: set CARHOP to the binary (default: target/debug/carhop of this tree)
#   STEP=1 docs/tutorial/stop.sh     waits for Enter before each step, so that you can look around in its folder
#
# Only the actuators are simulated. Everything is written into a folder of its own, which is removed at the end.
set -euo pipefail

CARHOP=$(realpath "${CARHOP:-$(dirname "${BASH_SOURCE[0]}")/../../target/debug/carhop}")
[ -x "$CARHOP" ] || { echo "there is no $CARHOP: build it with \`cargo build\`, or set CARHOP" >&2; exit 1; }
PUBLIC_PORT=${PUBLIC_PORT:-8453} DEVICE_PORT=${DEVICE_PORT:-8454}
PUBLIC=https://localhost:$PUBLIC_PORT DEVICES=https://localhost:$DEVICE_PORT
FIRMWARE=$(printf 'a1%.0s' {1..32}) # stands for the SHA-256 of a firmware image
work=$(mktemp -d)
cd "$work"
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
step() {
    say "$@"
    [ -z "${STEP-}" ] || read -r -p "in $work; Enter goes on "
}
field() { grep -oE "\"$1\" ?: ?\"[^\"]*\"" | head -n 1 | cut -d'"' -f4; } # the first member of that name
uuid() { cat /proc/sys/kernel/random/uuid; }
until_it() { for _ in $(seq 300); do "$@" && return; sleep 0.1; done; echo "gave up waiting: $*" >&2; exit 1; }

told() { # runs it; what it answers goes on, or to standard error if it was refused
    local answer
    answer=$("$@") || { printf '%s\n' "$answer" >&2; return 1; }
    printf '%s\n' "$answer"
}

# store METHOD PATH BODY: with the administrator's API key.
store() {
    told curl -sS --fail-with-body --cacert carhop-data/ca.pem -X "$1" "$PUBLIC$2" -H "Authorization: Bearer $(cat carhop-data/admin.key)" \
        -H 'Content-Type: application/json' -H "Idempotency-Key: $(uuid)" ${3+-d "$3"}
}

# customer METHOD PATH BODY: with a DPoP proof of the customer's key (RFC 9449), and the session token once there is one.
customer() {
    local nonce='' token=${CUSTOMER_TOKEN-} status
    for _ in 1 2; do
        local proof
        proof=$("$CARHOP" keys proof --key customer.key "$1" "$PUBLIC$2" ${token:+--token "$token"} ${nonce:+--nonce "$nonce"})
        status=$(curl -sS --cacert carhop-data/ca.pem -X "$1" "$PUBLIC$2" -o answer -D headers -w '%{http_code}' -H "DPoP: $proof" \
            ${token:+-H "Authorization: DPoP $token"} -H 'Content-Type: application/json' -H "Idempotency-Key: $(uuid)" ${3+-d "$3"})
        nonce=$(tr -d '\r' <headers | sed -n 's/^[Dd][Pp][Oo][Pp]-[Nn]once: //p')
        [ "$status" = 401 ] || break # the first proof has no nonce of the server yet
    done
    [ "$status" -lt 400 ] || { cat answer >&2; return 1; }
    cat answer
}

# driver METHOD PATH BODY [HEADER]: over mutual TLS with the handset's certificate.
driver() {
    told curl -sS --fail-with-body --cacert carhop-data/ca.pem --cert handset.crt --key handset.key -X "$1" "$DEVICES$2" \
        -H 'Content-Type: application/json' -H "Idempotency-Key: $(uuid)" ${3+-d "$3"} ${4+-H "$4"}
}

step "1. A server, and a software attester whose root it accepts"
"$CARHOP" keys attester attester
cat >carhop.toml <<EOF
public_address = "127.0.0.1:$PUBLIC_PORT"
device_address = "127.0.0.1:$DEVICE_PORT"
attestation_roots = ["attester/root.der"]
firmware = [
    { class = "lock", digest = "$FIRMWARE" },
    { class = "pump", digest = "$FIRMWARE" },
    { class = "handset", digest = "$FIRMWARE" },
]
EOF
"$CARHOP" serve --config carhop.toml >serve.log 2>&1 &
server=$!
started() { # or says why it has not
    kill -0 "$server" 2>/dev/null || { cat serve.log >&2; echo "set PUBLIC_PORT and DEVICE_PORT if the ports are taken" >&2; exit 1; }
    test -s carhop-data/admin.key
}
until_it started
until_it curl -sf -o /dev/null --cacert carhop-data/ca.pem "$PUBLIC/readyz"
# Whoever wants to check the log later takes its key now, by a way of their own: pinned.
"$CARHOP" audit vkey --data carhop-data >pinned.vkey

step "2. A venue with a tag on its wall"
ring='[[[-122.084,37.390],[-122.082,37.390],[-122.082,37.392],[-122.084,37.392],[-122.084,37.390]]]'
store PUT /v1/venues/library '{"type":"FeatureCollection","features":[
  {"type":"Feature","geometry":{"type":"Polygon","coordinates":'"$ring"'},
   "properties":{"name":"Library","kind":"parking","services":["grocery_handoff"],"tags":["bay-7-by-hand"]}},
  {"type":"Feature","geometry":{"type":"Polygon","coordinates":'"$ring"'},
   "properties":{"kind":"fuelling","services":["fuel_authorisation"]}}]}' >/dev/null

step "3. A lock and a pump enrol with one-time tickets and connect"
for class in lock pump; do
    answer=$(store POST /v1/devices/tickets "{\"class\":\"$class\",\"name\":\"my $class\"}")
    declare "$class=$(field device <<<"$answer")"
    mkfifo "$class.hands"
    "$CARHOP" device run --class "$class" --store "$class" --server "$PUBLIC" --gateway "wss://localhost:$DEVICE_PORT" \
        --ca carhop-data/ca.pem --ticket "$(field ticket <<<"$answer")" --attester attester --firmware "$FIRMWARE" \
        --hands <"$class.hands" >"$class.log" 2>&1 &
done
exec 3>lock.hands 4>pump.hands
connected() { store GET "/v1/devices/$1" | grep -q '"connected":true'; }
until_it connected "$lock"
until_it connected "$pump"
echo "lock $lock, pump $pump"

step "4. The driver's handset makes a key, is certified and attests itself"
answer=$(store POST /v1/devices/tickets '{"class":"handset","name":"my handset"}')
handset=$(field device <<<"$answer")
"$CARHOP" keys new handset.key
csr=$("$CARHOP" keys csr --key handset.key)
curl -sS --cacert carhop-data/ca.pem "$PUBLIC/v1/devices/enrolments" -H 'Content-Type: application/json' \
    -d "{\"ticket\":\"$(field ticket <<<"$answer")\",\"csr\":\"$csr\"}" >enrolment
"$CARHOP" keys chain $(grep -oE '"certificate_chain" ?: ?\[[^]]*\]' enrolment | grep -oE '"[A-Za-z0-9_-]{40,}"' | tr -d '"') >handset.crt
drv=$(store POST /v1/drivers "{\"name\":\"Sam\",\"device\":\"$handset\"}" | field driver)
challenge=$(driver POST /v1/attestations/challenges '{}' | field challenge)
eat=$("$CARHOP" keys attestation --attester attester --certificate handset.crt --challenge "$challenge" --firmware "$FIRMWARE")
driver POST /v1/attestations "{\"challenge\":\"$challenge\",\"eat\":\"$eat\"}"

step "5. The store sends an order and hands the customer a one-time link"
answer=$(store POST /v1/orders '{
  "recipient":{"reference":"customer-4711","name":"Kim"},
  "vehicle":{"plate":"7KD 201","description":"blue Golf"},
  "place":{"venue":"library","kind":"lot","bay":"7"},
  "window":{"start":"'"$(date -u -d '-1 minute' +%FT%T.000Z)"'","end":"'"$(date -u -d '+1 hour' +%FT%T.000Z)"'"},
  "handoff":"unattended",
  "legs":[{"kind":"goods","compartment":"trunk","basket":["apples","bread"],"device":"'"$lock"'"},
          {"kind":"fuel","grade":"regular","limit_ml":5000,"device":"'"$pump"'"}],
  "value":{"amount_minor":4200,"currency":"EUR"},"sensitivity":"low","payment_reference":"pre-auth-1"}')
session=$(field session <<<"$answer")
secret=$(store POST "/v1/sessions/$session/links" '{}' | field secret)
echo "session $session"

step "6. The customer binds a key, names the car, and approves exactly this delivery"
"$CARHOP" keys new customer.key
CUSTOMER_TOKEN=$(customer POST /v1/links/redemptions "{\"secret\":\"$secret\"}" | field token)
customer POST "/v1/sessions/$session/recipient" '{}' >/dev/null
intent=$(customer POST "/v1/sessions/$session/bindings" '{"plate":"7KD-201"}' | field intent)
customer POST "/v1/sessions/$session/approvals" "{\"intent\":\"$intent\"}" | field state

step "7. The driver gets the stop, comes to the car, scans the tag and reads the plate"
store POST "/v1/sessions/$session/assignments" "{\"driver\":\"$drv\"}" | field state
at_the_car() { # a position and, as one fix proves little, the tag beside it
    driver POST "/v1/sessions/$session/positions" '{"fixes":[{"latitude":37.391,"longitude":-122.083,"accuracy_m":8,
        "fixed_at":"'"$(date -u +%FT%T.000Z)"'","source":"fused"}]}' >/dev/null
    driver POST "/v1/sessions/$session/tags" '{"code":"bay-7-by-hand"}' >/dev/null
}
at_the_car
driver POST "/v1/sessions/$session/vehicle-matches" '{"plate":"7KD 201"}'
driver POST "/v1/sessions/$session/arrivals" '{}' | field state

step "8. The customer's code, typed in by the driver"
code=$(customer POST "/v1/sessions/$session/codes" '{}' | field code)
driver POST "/v1/sessions/$session/proofs" "{\"code\":\"$code\"}" | field state

step "9. Tokens, each narrower than the one before, and the trunk opens once"
vehicle_token=$(driver POST "/v1/sessions/$session/vehicle-tokens" '{}' | field token)
action_token() { # SCOPE DEVICE
    driver POST /v1/tokens/exchange "{\"subject_token\":\"$vehicle_token\",\"audience\":\"$2\",
        \"authorization_details\":[{\"type\":\"urn:carhop:handoff:v1\",\"actions\":[\"$1\"]}]}" | field access_token
}
leg_is() { driver GET "/v1/sessions/$session" | grep -oE '"state" ?: ?"[a-z_]+"' | grep -q "\"$1\""; }
at_the_car
driver POST "/v1/sessions/$session/releases" '{"leg":0}' "Carhop-Token: $(action_token grocery_handoff "$lock")"
echo
until_it leg_is open
driver POST "/v1/sessions/$session/legs/0/transfers" '{}' >/dev/null
echo '{"do":"close"}' >&3
until_it leg_is secured
echo "the trunk was opened, filled and locked"

step "10. And the pump: armed once, metered, settled"
echo '{"do":"person","lift_after_ms":200,"flow_ml_per_s":1500,"wanted_ml":3210}' >&4
at_the_car
driver POST "/v1/sessions/$session/releases" '{"leg":1}' "Carhop-Token: $(action_token fuel_authorisation "$pump")"
echo
completed() { store GET "/v1/sessions/$session" | grep -qE '"state" ?: ?"completed"'; }
until_it completed
store GET "/v1/sessions/$session" | grep -oE '"metered_ml" ?: ?[0-9]+'

step "11. What can be proven afterwards"
store GET "/v1/sessions/$session/decisions" | grep -oE '"request" ?: ?"[a-z_]+"' | cut -d'"' -f4 | paste -sd ' '
"$CARHOP" audit verify --data carhop-data --key pinned.vkey
say "done: one order, one car, two releases, each exactly once"
