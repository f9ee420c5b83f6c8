"""Sequence model with nn.Transformer, masks, positions in a buffer, label padding and the Noam schedule."""

import math

import numpy as np
import torch
import torch.nn as nn
from start import start, whole
from torch import Tensor

PAD = 0


class PositionalEncoding(nn.Module):
    def __init__(self, emb_size, dropout, maxlen=20):
        super().__init__()
        den = torch.exp(-torch.arange(0, emb_size, 2) * math.log(10000) / emb_size)
        pos = torch.arange(0, maxlen).reshape(maxlen, 1)
        pos_embedding = torch.zeros((maxlen, emb_size))
        pos_embedding[:, 0::2] = torch.sin(pos * den)
        pos_embedding[:, 1::2] = torch.cos(pos * den)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("pos_embedding", pos_embedding.unsqueeze(-2))

    def forward(self, token_embedding: Tensor):
        return self.dropout(token_embedding + self.pos_embedding[: token_embedding.size(0), :])


class Seq2Seq(nn.Module):
    def __init__(self, vocab=14, size=16):
        super().__init__()
        self.transformer = nn.Transformer(size, 2, 1, 1, 32, dropout=0.0)
        self.generator = nn.Linear(size, vocab)
        self.src, self.tgt = nn.Embedding(vocab, size, padding_idx=PAD), nn.Embedding(vocab, size, padding_idx=PAD)
        self.size, self.position = size, PositionalEncoding(size, 0.0)

    def forward(self, src, trg, src_mask, tgt_mask, src_pad, tgt_pad):
        src_emb = self.position(self.src(src.long()) * math.sqrt(self.size))
        tgt_emb = self.position(self.tgt(trg) * math.sqrt(self.size))
        outs = self.transformer(src_emb, tgt_emb, src_mask, tgt_mask, None, src_pad, tgt_pad, src_pad)
        return self.generator(outs)


def generate_square_subsequent_mask(sz):
    mask = (torch.triu(torch.ones((sz, sz))) == 1).transpose(0, 1)
    return mask.float().masked_fill(mask == 0, float("-inf")).masked_fill(mask == 1, float(0.0))


rng = np.random.default_rng(0)
model = start(Seq2Seq())
with torch.no_grad():
    for m in model.modules():
        if isinstance(m, nn.LayerNorm):
            m.weight.fill_(1.0)
            m.bias.zero_()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, betas=(0.9, 0.98), eps=1e-9)
noam = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min((s + 1) ** -0.5, (s + 1) * 5**-1.5))
criterion = torch.nn.CrossEntropyLoss(ignore_index=PAD)
for step in range(20):
    src = whole(rng, 13, 6, 5) + 1
    src[4:, :2] = PAD
    tgt = src.flip(0)
    tgt = torch.cat([tgt[tgt != PAD].view(-1)[:20].view(4, 5), torch.zeros(1, 5, dtype=torch.long)])
    tgt_input, tgt_out = tgt[:-1, :], tgt[1:, :]
    tgt_mask = generate_square_subsequent_mask(tgt_input.shape[0])
    src_mask = torch.zeros((6, 6)).type(torch.bool)
    src_pad, tgt_pad = (src == PAD).transpose(0, 1), torch.zeros(5, 4)
    logits = model(src, tgt_input, src_mask, tgt_mask, src_pad, tgt_pad)
    optimizer.zero_grad()
    loss = criterion(logits.reshape(-1, logits.shape[-1]), tgt_out.reshape(-1))
    loss.backward()
    optimizer.step()
    noam.step()
    print(step, f"{loss.item():.5f} {noam.get_last_lr()[0]:.6f}")
print(torch.equal(model.transformer.generate_square_subsequent_mask(4), generate_square_subsequent_mask(4)))
