import type { Tool } from '../tool.ts';
import { borg } from './borg.ts';
import { coffer } from './coffer.ts';
import { rcloneHttps, rcloneSftp } from './rclone-crypt.ts';
import { restic } from './restic.ts';
import { rsync, rsyncQuick, scp } from './ssh-copy.ts';
import { tlsCopy } from './tls-copy.ts';

/** Every tool that can be measured; the first is the one that all others are compared with. */
export const tools: readonly Tool[] = [coffer, restic, rcloneHttps, rcloneSftp, borg, rsync, rsyncQuick, scp, tlsCopy];
