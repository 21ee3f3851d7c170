-- The tables of the billing application. They are the simulator's own: each start makes them anew.
DROP TABLE IF EXISTS payments, vouchers, pppoe_users, admin_users;

CREATE TABLE admin_users (
    id integer PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    whatsapp text NOT NULL,
    role text NOT NULL,
    is_active boolean NOT NULL
);

CREATE TABLE pppoe_users (
    username text PRIMARY KEY,
    router text NOT NULL,
    profile text NOT NULL,
    price integer NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'isolated', 'terminated')),
    whatsapp text NOT NULL,
    created_at timestamptz NOT NULL
);
COMMENT ON COLUMN pppoe_users.price IS 'rupiah a month';
COMMENT ON COLUMN pppoe_users.status IS 'isolated: cut off until the bill is paid';

CREATE TABLE vouchers (
    code text PRIMARY KEY,
    profile text NOT NULL,
    price integer NOT NULL,
    status text NOT NULL CHECK (status IN ('unused', 'active', 'expired')),
    created_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE TABLE payments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payer text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('subscription', 'voucher')),
    method text NOT NULL,
    amount integer NOT NULL,
    status text NOT NULL CHECK (status IN ('paid', 'failed')),
    created_at timestamptz NOT NULL
);
COMMENT ON COLUMN payments.amount IS 'rupiah';
CREATE INDEX payments_created_at ON payments (created_at);
