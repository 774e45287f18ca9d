/** The units under a real systemd: start, failures, reload, stop, reboot, uninstall. */
import { setTimeout as sleep } from 'node:timers/promises';
import { testRequiring } from '../helpers/requirements.js';
import { eventually } from '../system/helpers/process.js';
import { bootMachine, type Machine, noSystemd } from './helpers/systemd.js';

const ROOT = new URL('../../..', import.meta.url).pathname;
const INSTALL = `${ROOT}scripts/install.sh`;
const AGENT = 'dpctl-agent.service';
const LOG = '/var/log/dpctl-agent.log';

/** Its log to a file, for there is no journal; and a watchdog that is soon impatient. */
const DROP_IN = `mkdir -p /etc/systemd/system/${AGENT}.d
cat > /etc/systemd/system/${AGENT}.d/test.conf <<X
[Service]
StandardError=append:${LOG}
WatchdogSec=8
X
systemctl daemon-reload`;

const isActive = async (machine: Machine): Promise<boolean> =>
  (await machine.property(AGENT, 'ActiveState')) === 'active';

testRequiring(noSystemd).serial(
  'the services come, go and come back without a packet lost',
  async (t) => {
    t.timeout(300_000);
    const begin = performance.now();
    const phase = (name: string) =>
      t.log(`${name}: ${Math.round((performance.now() - begin) / 1000)} s`);
    const machine = await bootMachine(t);
    phase('booted');
    const { must, property } = machine;
    const pid = () => property(AGENT, 'MainPID');
    /** Wait until another process is the agent, and ready. */
    const another = async (former: string, what: string): Promise<void> => {
      // The process first: the unit is active for as long as the former one is.
      const isThere = async () => !['0', former].includes(await pid()) && isActive(machine);
      t.true(await eventually(isThere, 30_000, 100), what);
    };
    await must('bash', INSTALL, '', '/usr/local');
    await must('bash', '-c', DROP_IN);
    await must('systemctl', 'enable', '--now', AGENT);
    t.true(await isActive(machine), 'it is ready when systemctl returns');
    await must('dpctl', 'network', 'add', 'red', '--subnet', '10.9.0.0/24', '--gateway');
    for (const ns of ['a', 'b']) await must('ip', 'netns', 'add', ns);
    await must('dpctl', 'attach', 'a', '--network', 'red');
    await must('dpctl', 'attach', 'b', '--network', 'red', '--ip', '10.9.0.77');
    // What the agent does is the machine's: devices, names, mounts.
    const api = async () => /attach: done/.test(await must('cat', LOG));
    t.true(await eventually(api, 20_000, 100), 'the agent answers commands');
    await must('dpctl', 'attach', 'c', '--create', '--network', 'red');
    await must('ip', 'netns', 'exec', 'c', 'true');
    t.regex(await must('cat', '/proc/1/mountinfo'), / \/run\/dpctl\/bpf /);

    const ping = machine.start([
      ...['ip', 'netns', 'exec', 'a', 'ping', '-q', '-i', '0.01', '-W', '2', '10.9.0.77'],
    ]);
    phase('attached');
    let former = await pid();
    await must('kill', '-9', former);
    await another(former, 'killed');
    phase('restarted');
    former = await pid();
    await must('kill', '-STOP', former);
    await another(former, 'hung');
    former = await pid();
    await must('systemctl', 'reload', AGENT);
    await must('ip', 'netns', 'del', 'c');
    const isCleared = async () => !/\bc\b/.test(await must('dpctl', 'endpoints', '-o', 'name'));
    t.true(await eventually(isCleared, 20_000, 100), 'a dead container');
    t.is(await pid(), former, 'a reload is no restart');
    phase('hung, reloaded');
    await must('bash', INSTALL, '', '/usr/local');
    // It may have noticed by itself, and end in this moment.
    await machine.run(['systemctl', 'reload', AGENT]);
    await another(former, 'of the build before');
    t.regex(await must('cat', LOG), /AGENT_OUTDATED/);
    phase('installed again');
    await must('systemctl', 'stop', AGENT);
    t.is(await property(AGENT, 'Result'), 'success');
    t.regex(await must('cat', '/proc/1/mountinfo'), / \/run\/dpctl\/bpf /);
    await must('dpctl', 'attach', 'd', '--create', '--network', 'red');
    t.is((await machine.run(['dpctl', 'status'])).code, 0);
    const { stdout } = await ping.stop('SIGINT');
    const [, sent = 0, received = 0] = (/(\d+) packets .*, (\d+) received/.exec(stdout) ?? []).map(
      Number,
    );
    t.log(`${received} of ${sent} packets`);
    t.true(sent > 500);
    // The last one may be on its way when ping ends.
    t.true(sent - received <= 1);

    phase('stopped');
    await machine.reboot();
    const isBack = async () => isActive(machine);
    t.true(await eventually(isBack, 30_000, 100), 'the agent is on at boot');
    t.regex(await must('dpctl', 'network', 'list'), /red .*10\.9\.0\.1/);
    t.is(await must('dpctl', 'endpoints', '-o', 'name'), '');
    t.is((await machine.run(['dpctl', 'status'])).code, 0);

    phase('rebooted with the agent');
    await must('systemctl', 'disable', AGENT);
    await must('systemctl', 'enable', 'dpctl-restore.service');
    await machine.reboot();
    const restored = async () =>
      (await property('dpctl-restore.service', 'ActiveState')) === 'active';
    t.true(await eventually(restored, 30_000, 100), 'one reconcile at boot');
    t.false(await isActive(machine));
    t.is((await machine.run(['dpctl', 'status'])).code, 0);
    phase('rebooted without');
    await must('systemctl', 'stop', 'dpctl-restore.service');
    t.is((await machine.run(['dpctl', 'status'])).code, 0);
    await must('ip', 'netns', 'add', 'a');
    await must('dpctl', 'attach', 'a', '--network', 'red');
    await must('systemctl', 'start', AGENT);

    const refused = await machine.run(['bash', INSTALL, '--uninstall', '', '/usr/local']);
    t.is(refused.code, 1);
    t.regex(refused.stderr, /in use on this machine: endpoints: 1, networks: \d/);
    t.true(await isActive(machine), 'nothing is done');
    await must('dpctl', 'reset', '--yes');
    await must('bash', INSTALL, '--uninstall', '', '/usr/local');
    await sleep(100);
    t.is(await property(AGENT, 'LoadState'), 'not-found');
    const left = await machine.run(['ls', '/run', '/var/lib', '/usr/local/lib', '/usr/local/bin']);
    t.notRegex(left.stdout, /dpctl/);
    phase('uninstalled');
    t.not((await machine.run(['pgrep', '-f', '[d]pctl agent'])).code, 0);
  },
);
