"""Translation with attention: GRU encoder and decoder, teacher forcing, token by token."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from start import start, whole
from torch import optim

SOS, EOS, MAX = 0, 1, 6
device = torch.device("cpu")


class EncoderRNN(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = nn.Embedding(input_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size)

    def forward(self, input, hidden):
        embedded = self.embedding(input).view(1, 1, -1)
        return self.gru(embedded, hidden)

    def initHidden(self):
        return torch.zeros(1, 1, self.hidden_size, device=device)


class AttnDecoderRNN(nn.Module):
    def __init__(self, hidden_size, output_size, max_length=MAX):
        super().__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.attn = nn.Linear(hidden_size * 2, max_length)
        self.attn_combine = nn.Linear(hidden_size * 2, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, input, hidden, encoder_outputs):
        embedded = self.embedding(input).view(1, 1, -1)
        attn_weights = F.softmax(self.attn(torch.cat((embedded[0], hidden[0]), 1)), dim=1)
        attn_applied = torch.bmm(attn_weights.unsqueeze(0), encoder_outputs.unsqueeze(0))
        output = torch.cat((embedded[0], attn_applied[0]), 1)
        output = self.attn_combine(output).unsqueeze(0)
        output = F.relu(output)
        output, hidden = self.gru(output, hidden)
        return F.log_softmax(self.out(output[0]), dim=1), hidden, attn_weights


rng = np.random.default_rng(0)
encoder, decoder = start(EncoderRNN(12, 16), 1), start(AttnDecoderRNN(16, 12), 2)
enc_opt = optim.SGD(encoder.parameters(), lr=0.05)
dec_opt = optim.SGD(decoder.parameters(), lr=0.05)
criterion = nn.NLLLoss()
for step in range(20):
    source = whole(rng, 10, int(rng.integers(2, MAX)), 1) + 2
    target = torch.cat([source.flip(0), torch.tensor([[EOS]])])
    enc_opt.zero_grad()
    dec_opt.zero_grad()
    hidden = encoder.initHidden()
    encoder_outputs = torch.zeros(MAX, encoder.hidden_size, device=device)
    for ei in range(source.size(0)):
        encoder_output, hidden = encoder(source[ei], hidden)
        encoder_outputs[ei] = encoder_output[0, 0]
    decoder_input = torch.tensor([[SOS]], device=device)
    loss = 0
    teacher = step % 2 == 0
    for di in range(target.size(0)):
        output, hidden, attention = decoder(decoder_input, hidden, encoder_outputs)
        loss += criterion(output, target[di])
        if teacher:
            decoder_input = target[di]
        else:
            topv, topi = output.topk(1)
            decoder_input = topi.squeeze().detach()
            if decoder_input.item() == EOS:
                break
    loss.backward()
    enc_opt.step()
    dec_opt.step()
    print(step, f"{loss.item() / target.size(0):.5f}", tuple(attention.shape), f"{attention.max().item():.5f}")
